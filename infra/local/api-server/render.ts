/** Objects and lists as the text of an answer, in the shape that the client asked for. */
import { renderStored } from './cluster-state.ts';
import type { Stored } from './collection.ts';
import type { ListResult } from './list.ts';
import type { Representation } from './negotiation.ts';
import { groupVersion } from './resource-definition.ts';
import { type IncludeObject, renderMetadata, renderTable } from './table.ts';
import type { Target } from './target.ts';

export interface RenderOptions {
  representation: Representation;
  include: IncludeObject;
  now: number;
}

/** One object. */
export function renderObject(target: Target, stored: Stored, options: RenderOptions): string {
  const { shape, metaVersion } = options.representation;
  if (shape === 'metadata') return renderMetadata(stored.object, `meta.k8s.io/${metaVersion}`);
  if (shape === 'object') return renderStored(target.definition, target.version, stored);
  const metadata = { resourceVersion: stored.object.metadata.resourceVersion ?? '' };
  return renderTable(target.definition, target.version, [stored], { ...options, metadata });
}

/** A list. Items of built-in lists carry no kind, as the real server has it. */
export function renderList(target: Target, result: ListResult, options: RenderOptions): string {
  const { definition, version } = target;
  const { shape, metaVersion } = options.representation;
  const metadata = {
    resourceVersion: String(result.version),
    ...(result.continue && { continue: result.continue, remainingItemCount: result.remaining }),
  };
  if (shape === 'table') return renderTable(definition, version, result.items, { ...options, metadata });
  const isMeta = shape === 'metadata';
  const head = JSON.stringify({
    kind: isMeta ? 'PartialObjectMetadataList' : definition.listKind,
    apiVersion: isMeta ? `meta.k8s.io/${metaVersion}` : groupVersion(definition.group, version),
    metadata,
  });
  const items = result.items.map((stored) => {
    if (isMeta) return renderMetadata(stored.object, `meta.k8s.io/${metaVersion}`);
    const isPlain = !definition.custom && !definition.present;
    return isPlain ? `{${stored.tail}` : renderStored(definition, version, stored);
  });
  return `${head.slice(0, -1)},"items":[${items.join(',')}]}`;
}
