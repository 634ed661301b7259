/** Ladder step 13: the name in the spec is the one that was provisioned, in full (spec 8.1). */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { imageNameOf } from './names.ts';
import type { Site } from './site.ts';
import { editObject, writeStatus } from './writes.ts';

/** Takes an edited name back. Undefined: it was not edited. */
export async function restoreName(
  site: Site,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  const name = imageNameOf(object, site);
  if (object.spec?.image?.name === name) return undefined;
  const restored = await editObject(site, object, { spec: { image: { name } } }, { guard: false });
  return await writeStatus(site, restored, { message: undefined });
}
