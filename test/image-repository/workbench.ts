/** The workbench of `ImageRepository`. */
import { createReconciler } from '../../functions/image-repository/reconcile.ts';
import {
  IMAGE_REPOSITORY,
  type ImageRepository,
  type ImageRepositorySpec,
} from '../../shared/api/image-repository.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { readTagRecord, type TagRecord } from '../../shared/storage/tag-record.ts';
import {
  type WorkbenchOptions as AnyWorkbenchOptions,
  CLUSTER,
  type Workbench as KindWorkbench,
  openWorkbench as openAnyWorkbench,
} from '../workbench/workbench.ts';

export type { Operation } from '../workbench/workbench.ts';

export type WorkbenchOptions = Omit<AnyWorkbenchOptions, 'kind'>;

export interface Workbench extends Omit<KindWorkbench<ImageRepository>, 'create'> {
  /** The interval is 10m where the spec has none. */
  create(
    name: string,
    spec: Partial<ImageRepositorySpec>,
    metadata?: Record<string, unknown>,
  ): Promise<ImageRepository>;
  record(name: string, uid: string): Promise<TagRecord | undefined>;
}

export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const kind = { names: IMAGE_REPOSITORY, createReconciler };
  const bench = await openAnyWorkbench<ImageRepository>({ ...options, kind });
  const { cluster = CLUSTER } = options;
  const { namespace, store } = bench;
  const log = createLogger('debug', (line) => bench.log.push(line));
  return {
    ...bench,
    create: (name, spec, metadata) =>
      bench.create(name, { interval: '10m', ...spec } as ImageRepositorySpec, metadata),
    record: (name, uid) => readTagRecord(store, { cluster, namespace, name }, { uid, log }),
  };
}
