/** Declares a suite twice: over the embedded control plane, and over a real kube-apiserver where there is one. */
import { describe } from 'node:test';
import type { Query } from '../../shared/kube/transport.ts';
import { type ApiServerInUse, type StartServer, useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { needs } from '../parts/parts.ts';

export interface Reply {
  status: number;
  /** The body as JSON; its text where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape, looked at by assertions
  json: any;
  contentType: string;
  warnings: string;
}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Query;
  body?: unknown;
  contentType?: string;
  accept?: string;
}

/** Asks the server; an object as body is sent as JSON. */
export type Ask = (path: string, call?: Call) => Promise<Reply>;

export const MERGE = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** @param parts programs that the suite itself needs, such as `kubectl` */
export function overBothServers(
  name: string,
  parts: string[],
  declare: (server: ApiServerInUse, ask: Ask) => void,
): void {
  const suite = (start?: StartServer) => () => {
    const server = useApiServer(start);
    declare(server, asker(server));
  };
  describe(`${name}: embedded control plane`, needs(...parts), suite(startEmbedded));
  describe(`${name}: kube-apiserver`, needs('kube-apiserver', 'etcd', ...parts), suite());
}

function asker(server: ApiServerInUse): Ask {
  return async (path, call = {}) => {
    const { method = 'GET', query, body, accept } = call;
    const contentType = call.contentType ?? (body === undefined ? undefined : 'application/json');
    const reply = await server.transport.request({
      method,
      path,
      ...(query && { query }),
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(contentType && { contentType }),
      ...(accept && { accept }),
    });
    return {
      status: reply.status,
      json: parse(reply.body.toString()),
      contentType: String(reply.headers['content-type'] ?? ''),
      warnings: String(reply.headers.warning ?? ''),
    };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const GROUP = 'image.toolkit.fluxcd.io';

/** Path of ImageRepositories in a namespace. */
export function repositories(namespace: string, version = 'v1'): string {
  return `/apis/${GROUP}/${version}/namespaces/${namespace}/imagerepositories`;
}

/** An ImageRepository with the least that is allowed. */
export function repository(name: string, spec: object = {}, metadata: object = {}, version = 'v1') {
  return {
    apiVersion: `${GROUP}/${version}`,
    kind: 'ImageRepository',
    metadata: { name, ...metadata },
    spec: { image: 'ghcr.io/stefanprodan/podinfo', interval: '10m', ...spec },
  };
}

/** The fields that a refusal names, in order. */
export function causes(reply: Reply): string[] {
  const list: { field: string; reason: string }[] = reply.json.details?.causes ?? [];
  return [...new Set(list.map(({ field, reason }) => `${field} ${reason}`))].sort();
}
