/** Registries that others wrote, scanned by the whole product: the status is the one of the specification. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { resourcePath } from '../../shared/kube/resource.ts';
import type { ApiServerInUse } from '../parts/api-server.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { startDebianRegistry } from '../parts/debian-registry.ts';
import { startDistribution } from '../parts/distribution.ts';
import { needs, part } from '../parts/parts.ts';
import { pushTags } from '../parts/push-tags.ts';
import { openStage, REPOSITORIES } from './stage.ts';

const TAGS = Array.from({ length: 1000 }, (_, index) => `1.${Math.trunc(index / 100)}.${index % 100}`);
/** What cosign leaves beside images: not counted, and too much for one page of 1,000. */
const SIGNATURES = ['sha256-aa.sig', 'sha256-bb.sig'];

/** As IR-REPO-16 and 17 say it, and nothing of the product. */
const STORED_ORDER = TAGS.toSorted().toReversed();
const REVISION = `sha256:${createHash('sha256')
  .update(`${STORED_ORDER.join('\n')}\n`)
  .digest('hex')}`;
const MESSAGE = `successful scan: found 1000 tags with checksum ${REVISION}`;

const TABLES = 'application/json;as=Table;v=v1;g=meta.k8s.io';

interface Table {
  columnDefinitions: { name: string }[];
  rows: { cells: unknown[] }[];
}

interface RealRegistry {
  url: string;
  host: string;
  stop(): Promise<void>;
}

const REGISTRIES = [
  {
    name: 'CNCF Distribution, page by page',
    program: 'registry',
    start: () => startDistribution({ inMemory: true }),
  },
  { name: "Debian's docker-registry, at once", program: 'docker-registry', start: startDebianRegistry },
];

describe('1,000 tags', () => {
  const started = new Map<string, RealRegistry>();
  before(async () => {
    await Promise.all(
      REGISTRIES.filter(({ program }) => part(program)).map(async ({ name, start }) => {
        const registry = await start();
        started.set(name, registry);
        await push(registry.url, [...TAGS, ...SIGNATURES]);
      }),
    );
  });
  after(() => Promise.all([...started.values()].map((registry) => registry.stop())));

  onEveryApiServer((api) => {
    for (const { name, program } of REGISTRIES) {
      test(`of ${name}: the status is the one of the specification`, needs(program), async (t) => {
        const stage = await openStage(t, api);
        await stage.serve();
        const image = `${started.get(name)!.host}/team/app`;
        await stage.create('app', { image });
        const { status } = await stage.ready('app');
        const { scanTime } = status!.lastScanResult!;
        const { lastTransitionTime } = status!.conditions![0]!;
        assert.match(scanTime!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        assert.ok(Date.parse(lastTransitionTime) >= Date.parse(scanTime!));
        assert.deepEqual(status, {
          canonicalImageName: image,
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              reason: 'Succeeded',
              message: MESSAGE,
              observedGeneration: 1,
              lastTransitionTime,
            },
          ],
          lastScanResult: {
            latestTags: STORED_ORDER.slice(0, 10),
            revision: REVISION,
            scanTime,
            tagCount: 1000,
          },
          observedExclusionList: ['^.*\\.sig$'],
          observedGeneration: 1,
        });
        const { Age: _, ...columns } = await firstRow(api, stage.namespace);
        assert.deepEqual(columns, {
          Name: 'app',
          Image: image,
          Tags: '1000',
          Ready: 'True',
          Status: MESSAGE,
          'Last scan': scanTime,
        });
      });
    }
  });
});

/** The first row of what `kubectl get imagerepositories -o wide` prints, by column. */
async function firstRow(api: ApiServerInUse, namespace: string): Promise<Record<string, unknown>> {
  const path = resourcePath(REPOSITORIES, { namespace });
  const { body } = await api.transport.request({ method: 'GET', path, accept: TABLES });
  const { columnDefinitions, rows } = JSON.parse(body.toString()) as Table;
  return Object.fromEntries(columnDefinitions.map(({ name }, at) => [name, rows[0]!.cells[at]]));
}

async function push(url: string, tags: string[]): Promise<void> {
  const clients = 8;
  const share = Math.ceil(tags.length / clients);
  await Promise.all(
    Array.from({ length: clients }, (_, at) =>
      pushTags(url, 'team/app', tags.slice(at * share, (at + 1) * share)),
    ),
  );
}
