/** Which rules are in effect for a tree, and what they say of a path (OCI 14.1, 14.4). */
import type { IgnoreRule } from './ignore-rules.ts';
import { parseIgnoreRules } from './ignore-rules.ts';

/** Always in effect, below all others. */
const VCS_RULES = parseIgnoreRules('.git/\n.gitignore\n.gitmodules\n.gitattributes', 'the VCS rules');

/** In effect while nobody wrote a rule. */
const DEFAULT_RULES = parseIgnoreRules(
  [
    '*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip',
    '.github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n.drone.yml\ncloudbuild.yaml',
    'codeship-services.yml\ncodeship-steps.yml\n**/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml',
  ].join('\n'),
  'the default rules',
);

/** The rules of one `.sourceignore`. */
export interface FileRules {
  /** How many components of a path the rules do not see: the depth of their directory. */
  depth: number;
  rules: IgnoreRule[];
}

export class IgnoreList {
  readonly #objectRules: IgnoreRule[];
  readonly #baseRules: IgnoreRule[];

  /**
   * @param objectRules those of `spec.ignore`
   * @param fileRules whether any `.sourceignore` of the tree, wherever it is, holds a rule
   */
  constructor(objectRules: IgnoreRule[], fileRules: boolean) {
    this.#objectRules = objectRules;
    const userRules = fileRules || objectRules.length > 0;
    this.#baseRules = userRules ? VCS_RULES : [...VCS_RULES, ...DEFAULT_RULES];
  }

  /**
   * Whether a path is left out.
   * @param path components from the root; at least one
   * @param files rules of the directories above the path, the root's first
   */
  drops(path: readonly string[], directory: boolean, files: readonly FileRules[]): boolean {
    const own = verdict(this.#objectRules, path, directory);
    if (own !== undefined) return own;
    for (let index = files.length - 1; index >= 0; index--) {
      const { depth, rules } = files[index]!;
      const found = verdict(rules, path.slice(depth), directory);
      if (found !== undefined) return found;
    }
    return verdict(this.#baseRules, path, directory) ?? false;
  }
}

/** The last rule that matches decides; undefined: none does. */
function verdict(
  rules: readonly IgnoreRule[],
  path: readonly string[],
  directory: boolean,
): boolean | undefined {
  const rule = rules.findLast((each) => each.matches(path, directory));
  return rule && !rule.includes;
}
