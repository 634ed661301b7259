/** `Event`: stored as the core one, and shown as `events.k8s.io/v1` too. */
import * as z from 'zod';
import { ageSince, ageText } from '../age.ts';
import type { ApiObject } from '../api-object.ts';
import { NAME } from '../columns.ts';
import { invalidValue } from '../problems.ts';
import { READ_VERBS, type TableColumn } from '../resource-definition.ts';
import { textAt, valueAt } from '../tree.ts';
import { defineBuiltin } from './define.ts';
import { objectReference, optionalInt, optionalText, optionalTime } from './fields.ts';

const source = z
  .object({
    component: optionalText.describe('The program that reports.'),
    host: optionalText.describe('The machine it runs on.'),
  })
  .nullable()
  .optional();
const series = z.looseObject({}).nullable().optional();

/** A field of a core Event, or its newer name in the other shape. */
function either(object: ApiObject, core: string, other: string): unknown {
  return object[core] ?? object[other];
}

function lastSeen(object: ApiObject, now: number): string {
  const series = valueAt(object, 'series', 'lastObservedTime');
  const last = either(object, 'lastTimestamp', 'deprecatedLastTimestamp');
  return ageSince(series ?? last ?? firstTime(object), now);
}

function firstTime(object: ApiObject): unknown {
  return either(object, 'firstTimestamp', 'deprecatedFirstTimestamp') ?? object.eventTime;
}

function aboutText(object: ApiObject): string {
  const about = either(object, 'involvedObject', 'regarding');
  const kind = textAt(about, 'kind').toLowerCase();
  const name = textAt(about, 'name');
  return name === '' ? kind : `${kind}/${name}`;
}

function sourceText(object: ApiObject): string {
  const source = either(object, 'source', 'deprecatedSource');
  const component =
    textAt(source, 'component') || String(either(object, 'reportingComponent', 'reportingController') ?? '');
  const host = textAt(source, 'host');
  return host === '' ? component : `${component}, ${host}`;
}

const COLUMNS: TableColumn[] = [
  { name: 'Last Seen', type: 'string', description: 'When it last happened.', cell: lastSeen },
  { name: 'Type', type: 'string', description: 'Normal or Warning.', cell: (o) => textAt(o, 'type') },
  { name: 'Reason', type: 'string', description: 'The cause as one word.', cell: (o) => textAt(o, 'reason') },
  { name: 'Object', type: 'string', description: 'What it is about.', cell: aboutText },
  {
    name: 'Subobject',
    type: 'string',
    priority: 1,
    description: 'Part of the object that it is about.',
    cell: (object) => textAt(either(object, 'involvedObject', 'regarding'), 'fieldPath'),
  },
  { name: 'Source', type: 'string', priority: 1, description: 'Who reported it.', cell: sourceText },
  {
    name: 'Message',
    type: 'string',
    description: 'What happened.',
    cell: (object) => String(either(object, 'message', 'note') ?? '').trim(),
  },
  {
    name: 'First Seen',
    type: 'string',
    priority: 1,
    description: 'When it first happened.',
    cell: (object, now) => {
      const first = firstTime(object);
      return first ? ageSince(first, now) : ageText(0);
    },
  },
  {
    name: 'Count',
    type: 'string',
    priority: 1,
    description: 'How often it happened.',
    cell: (object) =>
      Number(either(object, 'count', 'deprecatedCount') ?? valueAt(object, 'series', 'count') ?? 1),
  },
  { ...NAME, priority: 1 },
];

export const EVENT_RESOURCE = defineBuiltin({
  plural: 'events',
  kind: 'Event',
  shortNames: ['ev'],
  description: 'Tells that something happened to an object.',
  structs: ['source', 'involvedObject'],
  fields: {
    involvedObject: objectReference.nullable().optional().describe('The object that it is about.'),
    reason: optionalText.describe('The cause as one word, for programs.'),
    message: optionalText.describe('What happened, for people.'),
    source: source.describe('Who reported it.'),
    firstTimestamp: optionalTime.describe('When it first happened.'),
    lastTimestamp: optionalTime.describe('When it last happened.'),
    count: optionalInt.describe('How often it happened.'),
    type: optionalText.describe('Normal or Warning.'),
    eventTime: optionalTime.describe('When it was first observed.'),
    series: series.describe('The series that it belongs to.'),
    action: optionalText.describe('What was done about the object.'),
    related: objectReference.nullable().optional().describe('A second object that it is about.'),
    reportingComponent: optionalText.describe('The controller that reported it.'),
    reportingInstance: optionalText.describe('The instance of that controller.'),
  },
  columns: COLUMNS,
  selectableFields: (object) => ({
    'involvedObject.kind': textAt(object, 'involvedObject', 'kind'),
    'involvedObject.namespace': textAt(object, 'involvedObject', 'namespace'),
    'involvedObject.name': textAt(object, 'involvedObject', 'name'),
    'involvedObject.uid': textAt(object, 'involvedObject', 'uid'),
    'involvedObject.apiVersion': textAt(object, 'involvedObject', 'apiVersion'),
    'involvedObject.resourceVersion': textAt(object, 'involvedObject', 'resourceVersion'),
    'involvedObject.fieldPath': textAt(object, 'involvedObject', 'fieldPath'),
    reason: textAt(object, 'reason'),
    reportingComponent: textAt(object, 'reportingComponent'),
    source: textAt(object, 'source', 'component') || textAt(object, 'reportingComponent'),
    type: textAt(object, 'type'),
  }),
  prepare: (object) => ({
    ...object,
    eventTime: object.eventTime ?? null,
    reportingComponent: object.reportingComponent ?? '',
    reportingInstance: object.reportingInstance ?? '',
  }),
  check(object) {
    const about = textAt(object, 'involvedObject', 'namespace');
    const namespace = object.metadata.namespace;
    const fits = about === namespace || (about === '' && namespace === 'default');
    return fits ? [] : [invalidValue('involvedObject.namespace', about, 'does not match event.namespace')];
  },
});

/** The newer shape, for reading. */
export const NEW_EVENT_RESOURCE = defineBuiltin({
  group: 'events.k8s.io',
  plural: 'events',
  kind: 'Event',
  shortNames: ['ev'],
  description: 'Tells that something happened to an object. Write it as core/v1.',
  verbs: READ_VERBS,
  storedAs: '/events',
  fields: {
    regarding: objectReference.nullable().optional().describe('The object that it is about.'),
    reason: optionalText.describe('The cause as one word, for programs.'),
    note: optionalText.describe('What happened, for people.'),
    type: optionalText.describe('Normal or Warning.'),
    eventTime: optionalTime.describe('When it was first observed.'),
    series: series.describe('The series that it belongs to.'),
    action: optionalText.describe('What was done about the object.'),
    related: objectReference.nullable().optional().describe('A second object that it is about.'),
    reportingController: optionalText.describe('The controller that reported it.'),
    reportingInstance: optionalText.describe('The instance of that controller.'),
  },
  columns: COLUMNS,
  selectableFields: (object) => ({
    'regarding.kind': textAt(object, 'involvedObject', 'kind'),
    'regarding.name': textAt(object, 'involvedObject', 'name'),
    'regarding.namespace': textAt(object, 'involvedObject', 'namespace'),
    'regarding.uid': textAt(object, 'involvedObject', 'uid'),
    reason: textAt(object, 'reason'),
    type: textAt(object, 'type'),
  }),
  present(object) {
    const {
      involvedObject,
      message,
      source,
      firstTimestamp,
      lastTimestamp,
      count,
      reportingComponent,
      ...rest
    } = object;
    return {
      ...rest,
      apiVersion: 'events.k8s.io/v1',
      regarding: involvedObject,
      note: message,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedCount: count,
      ...(reportingComponent !== '' && { reportingController: reportingComponent }),
    };
  },
});
