/** Is the bucket there? What the functions may do in it, they have tried themselves (`functions.ts`). */
import { messageOf } from '../../../shared/runtime/errors.ts';
import { redact } from '../../../shared/runtime/redact.ts';
import { createS3Store } from '../../../shared/storage/s3.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';
import { bucketAdvice } from './functions.ts';
import type { Visit } from './visit.ts';

const LIST_MS = 15_000;

export async function checkBucket({ installation }: Visit, signal: AbortSignal): Promise<Finding[]> {
  if (!installation) return [skipped('bucket', 'the flags of an installed relay name it')];
  const { settings, region } = installation;
  const bucket = settings['storage-bucket'];
  if (!bucket) {
    return [
      failed(
        'bucket',
        'the relay has none: it serves no artifacts',
        'set storage.bucket to output StorageBucket of the deployment',
      ),
    ];
  }
  const store = createS3Store({
    bucket,
    prefix: settings['storage-prefix'],
    endpoint: settings['storage-endpoint'] || undefined,
    ...(region && { region }),
  });
  const late = AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)]);
  try {
    for await (const _ of store.list(`${settings['cluster-id']}/`, late)) break;
    return [ok('bucket', `${bucket} is there and can be listed`)];
  } catch (error) {
    signal.throwIfAborted();
    const text = redact(messageOf(error));
    // Whoever looks needs no right to it: relay and functions do.
    if (/AccessDenied|Forbidden/.test(text)) return [skipped('bucket', `you may not list ${bucket}`)];
    return [failed('bucket', text, bucketAdvice(text, bucket))];
  }
}
