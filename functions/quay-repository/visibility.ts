/** Ladder step 14: another visibility than the registry has (spec 8.2). */
import type { QuayImageRepository, Visibility } from '../../shared/api/quay-image-repository.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { tell } from '../../shared/quay/events.ts';
import { declareMissing } from './missing.ts';
import { imageNameOf } from './names.ts';
import { MESSAGE } from './reasons.ts';
import type { Site } from './site.ts';
import { editObject, writeStatus } from './writes.ts';

/** Undefined: it is as the spec wants it, or the spec wants nothing. */
export async function changeVisibility(
  site: Site,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  const wanted = object.spec?.image?.visibility;
  const { image } = object.status ?? {};
  if (!wanted || wanted === image?.visibility) return undefined;
  const answer = await askFor(site, imageNameOf(object, site), wanted);
  if (answer === 'missing') return await declareMissing(site, object);
  if (answer !== 'ok') return await revert(site, object, answer);
  const changed = await writeStatus(site, object, {
    image: { ...image, visibility: wanted },
    message: undefined,
  });
  await tell(site, changed, 'VisibilityChanged', `the image repository is ${wanted} now`);
  return changed;
}

/** What Quay says to it: the message of what it refuses for good. */
async function askFor(
  { quay, run }: Site,
  imageName: string,
  wanted: Visibility,
): Promise<'ok' | 'missing' | { refused: string; planLimit: boolean }> {
  try {
    const answer = await quay.changeVisibility(imageName, wanted, run.signal);
    return answer === 'planLimit' ? { refused: MESSAGE.planLimit, planLimit: true } : answer;
  } catch (error) {
    if (!(error instanceof QuayError) || !error.isRefusal) throw error;
    return { refused: error.text || error.message, planLimit: false };
  }
}

/** The spec first: the message must stand when the run that the revert starts is over. */
async function revert(
  site: Site,
  object: QuayImageRepository,
  { refused, planLimit }: { refused: string; planLimit: boolean },
): Promise<QuayImageRepository> {
  const visibility = object.status?.image?.visibility ?? null;
  const reverted = await editObject(site, object, { spec: { image: { visibility } } }, { guard: false });
  const told = await writeStatus(site, reverted, { message: refused });
  if (planLimit) await tell(site, told, 'PlanLimit', refused);
  return told;
}
