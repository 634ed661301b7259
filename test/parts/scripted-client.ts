/** A Kubernetes client whose answers a test writes down, call by call. */
import type { KubeClient } from '../../shared/kube/client.ts';

/** One call: the method, what it was about (`imagerepositories/status`, a path), and the body. */
export interface ScriptedCall {
  verb: keyof KubeClient;
  what: string;
  name?: string;
  body?: unknown;
}

/** Gives the answer, or throws it. */
export type Answer = (call: ScriptedCall) => unknown;

/** Each call takes the next answer; a call too many fails the test. */
export function scriptedClient(...answers: Answer[]): { kube: KubeClient; calls: ScriptedCall[] } {
  const calls: ScriptedCall[] = [];
  const take = async (call: ScriptedCall): Promise<never> => {
    calls.push(call);
    const answer = answers[calls.length - 1];
    if (!answer) throw new Error(`a request too many: ${JSON.stringify(call)}`);
    return (await answer(call)) as never;
  };
  const whatOf = ({ plural }: { plural: string }, { subresource }: { subresource?: string } = {}) =>
    subresource ? `${plural}/${subresource}` : plural;
  const kube: KubeClient = {
    get: (resource, ref) => take({ verb: 'get', what: whatOf(resource, ref), name: ref.name }),
    list: (resource) => take({ verb: 'list', what: whatOf(resource) }),
    create: (resource, ref, body) =>
      take({ verb: 'create', what: whatOf(resource, ref), name: ref.name, body }),
    patch: (resource, ref, body) =>
      take({ verb: 'patch', what: whatOf(resource, ref), name: ref.name, body }),
    delete: (resource, ref) => take({ verb: 'delete', what: whatOf(resource, ref), name: ref.name }),
    getPath: (path) => take({ verb: 'getPath', what: path }),
  };
  return { kube, calls };
}
