/** The content configuration (6.7): the two fields of the spec that decide what becomes of a layer. */
import { hash } from 'node:crypto';
import {
  type LayerSelector,
  type OciRepositorySpec,
  type OciRepositoryStatus,
  operationOf,
} from '../../shared/api/oci-repository.ts';

/** Whether the stored artifact was made with other settings. Absent and empty are two things. */
export function isContentChanged(
  spec: Pick<OciRepositorySpec, 'ignore' | 'layerSelector'>,
  status: Pick<OciRepositoryStatus, 'observedIgnore' | 'observedLayerSelector'>,
): boolean {
  return (
    spec.ignore !== status.observedIgnore || !sameSelector(spec.layerSelector, status.observedLayerSelector)
  );
}

/** Raw texts: an operation that is not written is another than the one that it stands for. */
function sameSelector(one: LayerSelector | undefined, other: LayerSelector | undefined): boolean {
  if (!one || !other) return one === other;
  const text = (value: string | undefined) => value ?? '';
  return text(one.mediaType) === text(other.mediaType) && text(one.operation) === text(other.operation);
}

/** `status.contentConfigChecksum`, as clients of 2022 read it; nothing is decided by it. */
export function contentConfigChecksum({
  ignore = '',
  layerSelector,
}: Pick<OciRepositorySpec, 'ignore' | 'layerSelector'>): string {
  const selected = layerSelector ? `${layerSelector.mediaType ?? ''}${operationOf(layerSelector)}` : '';
  return `sha256:${hash('sha256', ignore + selected)}`;
}
