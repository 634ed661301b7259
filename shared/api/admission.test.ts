import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyDefaults, pruneUnknown, validate } from './admission.ts';
import {
  type Body,
  bodyOf,
  CONDITIONS,
  check,
  DEFAULTS,
  fieldsOf,
  GOOD,
  ROWS,
  STATUS,
  statusWith,
  type Verdict,
} from './admission-rows.ts';
import { problemText } from './field-problem.ts';
import { IMAGE_REPOSITORY_KIND } from './image-repository-schema.ts';
import type { Kind } from './kind.ts';

interface Stored {
  spec: { exclusionList: string[] };
  status: { observedGeneration: number };
}

describe('admission by the zod schemas', () => {
  for (const row of ROWS) {
    test(row.title, () => {
      const body = bodyOf(row);
      const before = structuredClone(body);
      check(row, admit(row.kind ?? IMAGE_REPOSITORY_KIND, body));
      assert.deepEqual(body, before, 'the object that came in was changed');
    });
  }

  test('the paths of unknown fields, as strict field validation names them', () => {
    const body = {
      ...bodyOf({ title: '', spec: { ...GOOD, other: 1, accessFrom: { namespaceSelectors: [{ b: 1 }] } } }),
      extra: {},
      metadata: { name: 'app', labels: { any: 'label' } },
    };
    const { object, unknown } = pruneUnknown(IMAGE_REPOSITORY_KIND, body);
    assert.deepEqual(unknown, ['spec.other', 'spec.accessFrom.namespaceSelectors[0].b', 'extra']);
    assert.deepEqual(object.metadata, body.metadata);
  });

  test('a default is a copy in every object', () => {
    const create = () =>
      applyDefaults(IMAGE_REPOSITORY_KIND, bodyOf({ title: '', spec: GOOD })) as unknown as Stored;
    const first = create();
    first.spec.exclusionList.push('mine');
    first.status.observedGeneration = 5;
    assert.deepEqual(create().spec.exclusionList, DEFAULTS.exclusionList);
    assert.deepEqual(create().status, STATUS);
  });

  test('names that every JavaScript object has are ordinary names', () => {
    const body = JSON.parse('{"spec":{"constructor":1,"toString":2,"image":"a","interval":"1m"}}') as Body;
    const { object, unknown } = pruneUnknown(IMAGE_REPOSITORY_KIND, body);
    assert.deepEqual(unknown, ['spec.constructor', 'spec.toString']);
    assert.deepEqual(object.spec, { image: 'a', interval: '1m' });
  });

  for (const { condition, refused } of CONDITIONS) {
    test(`a condition with ${JSON.stringify(condition).slice(0, 60)} is ${refused ? 'refused' : 'taken'}`, () => {
      const problems = validate(IMAGE_REPOSITORY_KIND, {
        ...bodyOf({ title: '', spec: GOOD }),
        status: statusWith(condition),
      });
      assert.deepEqual(fieldsOf(problems), refused ? [refused] : []);
    });
  }
});

function admit(kind: Kind, body: Body): Verdict {
  const object = applyDefaults(kind, pruneUnknown(kind, body).object);
  const problems = validate(kind, object);
  return problems.length > 0 ? { refused: problems.map(problemText) } : { stored: object };
}
