/** The Kubernetes client of functions and relay: small, over `transport.ts` (design section 4). */
import type { KubeObject, Resource } from './resource.ts';

export interface ListPage<T> {
  items: T[];
  resourceVersion: string;
  /** Token of the next page; absent on the last one. */
  continue?: string;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  /** Another form of the answer than plain JSON, such as metadata alone. */
  accept?: string;
}

export interface ObjectRef {
  namespace?: string;
  name: string;
  subresource?: string;
}

/**
 * Every method throws a `KubeError` (`errors.ts`) when the server refuses or cannot be reached.
 * Writes carry the field manager `longshore` (decisions 6).
 */
export interface KubeClient {
  /** Nothing under the name: undefined. */
  get<T = KubeObject>(resource: Resource, ref: ObjectRef, signal?: AbortSignal): Promise<T | undefined>;
  list<T = KubeObject>(resource: Resource, options?: ListOptions, signal?: AbortSignal): Promise<ListPage<T>>;
  create<T = KubeObject>(
    resource: Resource,
    ref: { namespace?: string; name?: string; subresource?: string },
    body: unknown,
    signal?: AbortSignal,
  ): Promise<T>;
  /** JSON merge patch (RFC 7386). Put `metadata.resourceVersion` into it to guard it. */
  patch<T = KubeObject>(resource: Resource, ref: ObjectRef, body: unknown, signal?: AbortSignal): Promise<T>;
  /** Nothing under the name is fine. */
  delete(
    resource: Resource,
    ref: ObjectRef,
    options?: { uid?: string; propagationPolicy?: string },
    signal?: AbortSignal,
  ): Promise<void>;
  /** GET of any path below the server's address, e.g. `/apis/image.toolkit.fluxcd.io`; 404: undefined. */
  getPath<T = unknown>(path: string, signal?: AbortSignal): Promise<T | undefined>;
}
