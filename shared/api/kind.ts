/** What describes a kind: one value from which its types, admission, CRD and router entry come. */
import * as z from 'zod';
import { ApiVersion, KindName, Metadata } from './fields.ts';

/** A column of `kubectl get`. Priority 1 is shown by `-o wide` only. */
export interface Column {
  name: string;
  jsonPath: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  description?: string;
  priority?: number;
}

/** One served version. All versions of a kind share one schema (IR-API-1): conversion `None` loses nothing. */
export interface KindVersion {
  columns: Column[];
  /** Text of the warning that clients show; absent: the version is not deprecated. */
  deprecation?: string;
}

/** What a kind is called: all that the relay and the functions need to know of it. */
export interface KindNames<Version extends string = string> {
  group: string;
  kind: string;
  plural: string;
  /** Names of the served versions, newest first; the newest is the one that is stored. */
  versions: readonly Version[];
  /** Set by us on every object of the kind, before anything outside of it is created for it. */
  finalizer: string;
}

/** What a file such as `image-repository-schema.ts` states about its kind. */
export interface KindOptions<Version extends string = string> extends KindNames<Version> {
  singular: string;
  shortNames: string[];
  categories: string[];
  /** What differs by version: one entry for each. */
  presentation: Record<NoInfer<Version>, KindVersion>;
  /** Labels and annotations of the CRD. */
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** First text of `kubectl explain`. */
  description: string;
  /** Schemas of the two halves; an optional one may be absent from an object. */
  spec: z.ZodType;
  status: z.ZodType;
}

/** A kind that Longshore serves. Two kinds may share a name: always use `group` and `kind` together. */
export interface Kind extends Omit<KindOptions, 'spec' | 'status'> {
  listKind: string;
  namespaced: boolean;
  storageVersion: string;
  /** The whole object. Everything but spec and status is the API server's own business. */
  schema: z.ZodObject;
}

/** The descriptor of a kind. */
export function defineKind<Version extends string>(kind: KindOptions<Version>): Kind {
  const { spec, status, ...options } = kind;
  return {
    ...options,
    listKind: `${options.kind}List`,
    namespaced: true,
    storageVersion: options.versions[0]!,
    schema: z
      .object({ apiVersion: ApiVersion, kind: KindName, metadata: Metadata, spec, status })
      .describe(options.description),
  };
}
