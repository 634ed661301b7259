/** The JSON paths of printer columns: `.spec.image`, `.a['b']`, `.list[0]`, `.conditions[?(@.type=="Ready")].status`. */
import { isTree } from './tree.ts';

type Step = (value: unknown) => unknown[];

const STEP =
  /\.((?:\\.|[^.[\]\\])+)|\['([^']*)'\]|\[(\d+|\*)\]|\[\?\(@((?:\.[^=!)]+?)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([^)]*))\)\]/y;

const cache = new Map<string, Step[]>();

/** Everything that `path` finds in `value`, in order. A path that is not understood finds nothing. */
export function findPath(path: string, value: unknown): unknown[] {
  let steps = cache.get(path);
  if (!steps) {
    steps = parsePath(path);
    cache.set(path, steps);
  }
  return steps.reduce((values, step) => values.flatMap(step), [value]);
}

function parsePath(path: string): Step[] {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (!match) return [() => []];
    const [, dotted, quoted, index, field, operator, ...literals] = match;
    const name = dotted?.replace(/\\(.)/g, '$1') ?? quoted;
    if (name !== undefined) steps.push(member(name));
    else if (index !== undefined) steps.push(element(index));
    else steps.push(filter(field!, operator === '==', literals.find((text) => text !== undefined) ?? ''));
  }
  return steps;
}

function member(name: string): Step {
  return (value) =>
    isTree(value) && Object.hasOwn(value, name) && value[name] !== null ? [value[name]] : [];
}

function element(index: string): Step {
  return (value) => {
    if (!Array.isArray(value)) return [];
    return index === '*' ? value : value.slice(Number(index), Number(index) + 1);
  };
}

function filter(field: string, equal: boolean, literal: string): Step {
  return (value) => {
    if (!Array.isArray(value)) return [];
    return value.filter((item) =>
      findPath(field, item).some((found) => (String(found) === literal) === equal),
    );
  };
}
