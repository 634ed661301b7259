/** An operation found that the repository is gone (decisions "Off and not built now"). */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { MESSAGE } from './reasons.ts';
import type { Site } from './site.ts';
import { writeStatus } from './writes.ts';

export function declareMissing(site: Site, object: QuayImageRepository): Promise<QuayImageRepository> {
  return writeStatus(site, object, { state: 'missing', message: MESSAGE.missing });
}
