/** JSON patch (RFC 6902) and JSON pointers (RFC 6901). */
import { badRequest, StatusError } from './status-error.ts';
import { equal, isTree, type Tree } from './tree.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/**
 * Applies every operation in order to a copy of `target`.
 * @throws StatusError 400 when the patch is no list of operations; 422 when one of them cannot be applied
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch is a list of operations');
  let document = structuredClone(target);
  patch.forEach((operation, index) => {
    if (!isOperation(operation)) {
      throw badRequest(`error decoding patch: operation ${index} needs 'op' and 'path'`);
    }
    document = applyOperation(document, operation, (why) => {
      return new StatusError(
        422,
        'Invalid',
        `the server rejected our request: operation ${index} (${operation.op} ${operation.path}): ${why}`,
        {},
      );
    });
  });
  return document;
}

function isOperation(value: unknown): value is Operation {
  return isTree(value) && typeof value.op === 'string' && typeof value.path === 'string';
}

type Refuse = (why: string) => Error;

function applyOperation(document: unknown, operation: Operation, refuse: Refuse): unknown {
  const path = parsePointer(operation.path, refuse);
  switch (operation.op) {
    case 'add':
      return put(document, path, structuredClone(operation.value), 'add', refuse);
    case 'replace':
      read(document, path, refuse);
      return put(document, path, structuredClone(operation.value), 'replace', refuse);
    case 'remove':
      return remove(document, path, refuse);
    case 'test':
      if (!equal(read(document, path, refuse), operation.value)) throw refuse('the value is another one');
      return document;
    case 'copy':
    case 'move': {
      const from = parsePointer(operation.from ?? '', refuse);
      const value = structuredClone(read(document, from, refuse));
      const rest = operation.op === 'move' ? remove(document, from, refuse) : document;
      return put(rest, path, value, 'add', refuse);
    }
    default:
      throw refuse('no such operation');
  }
}

function parsePointer(pointer: string, refuse: Refuse): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw refuse('a path starts with /');
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, path: string[], refuse: Refuse): unknown {
  let value = document;
  for (const key of path) {
    if (Array.isArray(value)) value = value[indexIn(value, key, value.length - 1, refuse)];
    else if (isTree(value) && Object.hasOwn(value, key)) value = value[key];
    else throw refuse('nothing is there');
  }
  return value;
}

function indexIn(list: unknown[], key: string, last: number, refuse: Refuse): number {
  const index = key === '-' ? list.length : Number(key);
  if (!/^(0|[1-9]\d*|-)$/.test(key) || index > last) throw refuse(`no index ${key}`);
  return index;
}

function put(
  document: unknown,
  path: string[],
  value: unknown,
  how: 'add' | 'replace',
  refuse: Refuse,
): unknown {
  const key = path.at(-1);
  if (key === undefined) return value;
  const parent = read(document, path.slice(0, -1), refuse);
  if (Array.isArray(parent)) {
    const index = indexIn(parent, key, how === 'add' ? parent.length : parent.length - 1, refuse);
    parent.splice(index, how === 'add' ? 0 : 1, value);
  } else if (isTree(parent)) setMember(parent, key, value);
  else throw refuse('the parent is no object and no list');
  return document;
}

/** An own member whatever its name is, `__proto__` included. */
function setMember(tree: Tree, key: string, value: unknown): void {
  Object.defineProperty(tree, key, { value, writable: true, enumerable: true, configurable: true });
}

function remove(document: unknown, path: string[], refuse: Refuse): unknown {
  read(document, path, refuse);
  const key = path.at(-1);
  if (key === undefined) return null;
  const parent = read(document, path.slice(0, -1), refuse);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete (parent as Tree)[key];
  return document;
}
