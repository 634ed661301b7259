/** What the demo's registry holds when it is started for the first time: one repository for each example. */
import type { RegistryAuth } from '../registry/auth.ts';
import type { LocalRegistry } from '../registry/registry.ts';

/** Everything below `private/` asks for this account (the Secret of `examples/private.yaml`). */
const ACCOUNT = { user: 'demo', password: 'longshore-demo' };

/** As public registries do: everybody gets a token, but only for what everybody may see. */
export const SAMPLE_AUTH: RegistryAuth = {
  scheme: 'bearer',
  users: { [ACCOUNT.user]: ACCOUNT.password },
  allow: ({ user, repository }) => user === ACCOUNT.user || !repository.startsWith('private/'),
};

const releases = (major: number, minors: number, patches: number) =>
  Array.from({ length: minors * patches }, (_, index) => {
    const [minor, patch] = [Math.floor(index / patches), index % patches];
    return `${major}.${minor}.${patch}`;
  });

/** Tags by repository. `.sig` tags are signatures: the default exclusion list leaves them out. */
const SAMPLES: Record<string, string[]> = {
  'samples/web': ['latest', ...releases(1, 3, 4), `sha256-${'0'.repeat(64)}.sig`],
  'samples/worker': [...releases(2, 2, 5), '2.2.0-rc.1', '2.2.0-rc.2', 'main-3f2c1e7', 'main-a90d4b1'],
  'samples/builds': [
    ...['3f2c1e7-1767225600', 'a90d4b1-1767312000', '0c55e10-1767398400'].map((build) => `main-${build}`),
    'dev-77aa001-1767400000',
    ...['20260101', '20260102', '20260103'].map((day) => `nightly-${day}`),
  ],
  'samples/base': releases(3, 50, 50),
  'private/billing': releases(0, 2, 3),
};

/** Pushes the samples. A repository that is there already is left alone: tags may have been pushed and deleted. */
export async function pushSamples(registry: LocalRegistry): Promise<void> {
  for (const [repository, tags] of Object.entries(SAMPLES)) {
    if (registry.tags(repository).length > 0) continue;
    for (const [index, tag] of tags.slice(0, DISTINCT).entries()) {
      await registry.push(repository, tag, {
        annotations: { 'org.opencontainers.image.version': String(index) },
      });
    }
    await registry.push(repository, tags.slice(DISTINCT));
  }
}

/** So many tags of a repository get an image of their own. */
const DISTINCT = 20;
