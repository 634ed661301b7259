/** The order of an artifact, and which entries stay in it (OCI 14, 15.1). */
import { ArtifactError } from './artifact-error.ts';
import type { DirectoryNode, TreeNode } from './file-tree.ts';
import { type FileRules, IgnoreList } from './ignore-list.ts';
import { type IgnoreRule, parseIgnoreRules } from './ignore-rules.ts';
import type { Spool } from './spool.ts';

const IGNORE_FILE = '.sourceignore';
/** Of all ignore files together: every rule is asked about every path below it. */
const MAX_IGNORE_BYTES = 256 * 1024;

/** What is walked. */
export interface WalkedTree {
  root: DirectoryNode;
  /** Holds the contents of the files. */
  spool: Spool;
  /** Text of `spec.ignore`; absent or without a rule: the files' own rules, else the default ones. */
  ignore: string | undefined;
}

export interface WalkedEntry {
  /** Relative to the root, which is `.`. */
  path: string;
  node: TreeNode;
  dropped: boolean;
}

/** A directory whose children are being visited. */
interface Visit {
  children: Iterator<[string, TreeNode]>;
  /** Components of the directory's path. */
  path: readonly string[];
  /** Rules of the ignore files in it and above it. */
  rules: readonly FileRules[];
}

/**
 * Every entry: a directory before its children, these in the order of the bytes of their names. Each is judged on its
 * own: a file may stay while its directory goes.
 * @throws ArtifactError of code `ignore` for rules that cannot be read, before the first entry
 */
export function* walkTree({ root, spool, ignore = '' }: WalkedTree): Generator<WalkedEntry> {
  const files = readIgnoreFiles(root, spool);
  const list = new IgnoreList(parseIgnoreRules(ignore, 'spec.ignore'), files.size > 0);
  const visit = (node: DirectoryNode, path: readonly string[], above: readonly FileRules[]): Visit => {
    const own = files.get(node);
    const rules = own ? [...above, { depth: path.length, rules: own }] : above;
    return { children: sortedChildren(node), path, rules };
  };
  yield { path: '.', node: root, dropped: false };
  const visits = [visit(root, [], [])];
  for (let current = visits.at(-1); current; current = visits.at(-1)) {
    const next = current.children.next();
    if (next.done) {
      visits.pop();
      continue;
    }
    const [name, node] = next.value;
    const path = [...current.path, name];
    const directory = node.kind === 'directory';
    yield { path: path.join('/'), node, dropped: list.drops(path, directory, current.rules) };
    if (directory) visits.push(visit(node, path, current.rules));
  }
}

/** The rules of every `.sourceignore` that holds one, by its directory. */
function readIgnoreFiles(root: DirectoryNode, spool: Spool): Map<DirectoryNode, IgnoreRule[]> {
  const found = new Map<DirectoryNode, IgnoreRule[]>();
  const open: DirectoryNode[] = [root];
  let bytes = 0;
  for (let folder = open.pop(); folder; folder = open.pop()) {
    for (const [name, node] of folder.children) {
      if (node.kind === 'directory') {
        if (name !== '.git') open.push(node);
        continue;
      }
      if (name !== IGNORE_FILE) continue;
      bytes += node.size;
      if (bytes > MAX_IGNORE_BYTES) {
        throw new ArtifactError(
          'ignore',
          `the ${IGNORE_FILE} files have more than ${MAX_IGNORE_BYTES} bytes in all`,
        );
      }
      const text = Buffer.allocUnsafe(node.size);
      spool.read(text, 0, node.offset, node.size);
      const rules = parseIgnoreRules(text.toString(), `a ${IGNORE_FILE} file`);
      if (rules.length > 0) found.set(folder, rules);
    }
  }
  return found;
}

function sortedChildren(node: DirectoryNode): Iterator<[string, TreeNode]> {
  return [...node.children].sort(([a], [b]) => compareBytes(a, b)).values();
}

/** Where characters outside the BMP take part, the order of UTF-16 is not that of the bytes. */
function compareBytes(a: string, b: string): number {
  if (/[\ud800-\uffff]/.test(a + b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
