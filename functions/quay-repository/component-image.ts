/** Tells the Component where its images are, once (spec 8.7). */
import { QUAY_ANNOTATION, type QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { componentNameOf, readComponent } from './component.ts';
import { imageNameOf, imageUrlOf } from './names.ts';
import type { Site } from './site.ts';
import { editObject } from './writes.ts';

/** Undefined: it was not asked for, or there is no Component. */
export async function updateComponentImage(
  site: Site,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  if (object.metadata.annotations?.[QUAY_ANNOTATION.updateComponentImage] !== 'true') return undefined;
  const name = componentNameOf(object);
  const found = name === undefined ? undefined : await readComponent(site, name);
  if (!found) return undefined;
  const { kube, request, signal } = site.run;
  const containerImage = imageUrlOf(imageNameOf(object, site), site);
  if (found.object.spec?.containerImage !== containerImage) {
    const ref = { namespace: request.namespace, name: found.object.metadata.name };
    await kube.patch(found.resource, ref, { spec: { containerImage } }, signal);
  }
  const annotations = { [QUAY_ANNOTATION.updateComponentImage]: null };
  return await editObject(site, object, { metadata: { annotations } }, { guard: false });
}
