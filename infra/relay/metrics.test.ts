import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Measure, Outcome } from '../../shared/runtime/contract.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { RELAY_KINDS } from './kinds.ts';
import { createMetrics } from './metrics.ts';
import { createObjectSeries } from './object-series.ts';

const KIND = RELAY_KINDS[0]!;
const NAMES = { group: KIND.group, kind: KIND.kind, namespace: 'apps', name: 'podinfo' };
const OBJECT = 'kind="ImageRepository",name="podinfo",namespace="apps",group="image.toolkit.fluxcd.io"';

function setUp() {
  const clock = createManualClock();
  const metrics = createMetrics(clock);
  const controller = metrics.controller(KIND);
  const ended = (more: Partial<Outcome>, exists = true) =>
    controller.ended(
      'apps/podinfo',
      { ...NAMES, durationMs: 300, events: 0, result: 'ok', ...more } as Outcome,
      exists,
    );
  const text = async () => {
    let all = '';
    for await (const piece of metrics.text()) all += piece;
    return all;
  };
  /** The value of one series. */
  const value = async (series: string) =>
    (await text())
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1);
  return { clock, metrics, controller, ended, text, value };
}

describe('metrics', () => {
  for (const [result, more, label] of [
    ['ok with a timer', { result: 'ok', requeueAfterMs: 1 }, 'requeue_after'],
    ['ok without one', { result: 'ok' }, 'success'],
    ['retry', { result: 'retry', reason: 'R', message: 'm' }, 'error'],
    ['stalled', { result: 'stalled', reason: 'R', message: 'm' }, 'error'],
    ['deferred', { result: 'deferred' }, 'requeue'],
    ['gone', { result: 'gone' }, 'success'],
  ] as const) {
    test(`${result} counts as ${label}`, async () => {
      const { ended, value } = setUp();
      ended(more);
      const series = `controller_runtime_reconcile_total{controller="imagerepository",result="${label}"}`;
      assert.equal(await value(series), '1');
    });
  }

  test('the duration of a run goes into the buckets of its object', async () => {
    const { ended, value } = setUp();
    ended({});
    const name = 'gotk_reconcile_duration_seconds';
    assert.equal(await value(`${name}_bucket{le="0.147176",${OBJECT}}`), '0');
    assert.equal(await value(`${name}_bucket{le="0.564622",${OBJECT}}`), '1');
    assert.equal(await value(`${name}_bucket{le="+Inf",${OBJECT}}`), '1');
    assert.equal(await value(`${name}_sum{${OBJECT}}`), '0.3');
    assert.equal(await value(`${name}_count{${OBJECT}}`), '1');
  });

  test('the figures of Quay: provisioning in its buckets, and nothing said of a Quay that nobody has asked', async () => {
    const { ended, text, value } = setUp();
    const prefix = 'redhat_appstudio_imagecontroller';
    const available = `${prefix}_global_quay_app_available`;
    assert.equal(await value(available), undefined);
    ended({
      measures: [
        { name: `${prefix}_image_repository_provision_time`, value: 7 },
        { name: `${prefix}_image_repository_provision_failure_time`, value: 301 },
        { name: available, value: 0 },
      ],
    });
    assert.equal(await value(available), '0');
    const buckets = (await text()).matchAll(/_provision_time_bucket\{le="([^"]+)"\} (\d)/g);
    assert.deepEqual(
      [...buckets].map(([, le, count]) => `${le}:${count}`),
      ['5:0', '10:1', '15:1', '20:1', '30:1', '60:1', '120:1', '300:1', '+Inf:1'],
    );
    assert.equal(await value(`${prefix}_image_repository_provision_failure_time_bucket{le="300"}`), '0');
    ended({ measures: [{ name: available, value: 1 }] });
    assert.equal(await value(available), '1');
  });

  test('measures of an outcome are added up; unknown names and impossible values are dropped', async () => {
    const { ended, text, value } = setUp();
    const labels = { registry: 'ghcr.io' };
    const measures: Measure[] = [
      { name: 'imagereflect_scan_pages_total', value: 2, labels },
      { name: 'imagereflect_scan_pages_total', value: -5, labels },
      { name: 'imagereflect_scan_duration_seconds', value: 0.2, labels: { ...labels, surplus: 'x' } },
      { name: 'imagereflect_scan_tags', value: 7, labels: { namespace: 'apps', name: 'podinfo' } },
      { name: 'gotk_token_cache_events_total', value: 1, labels: { event_type: 'cache_hit' } },
      { name: 'gotk_token_cache_requests_total', value: 1, labels: { status: 'failure' } },
      { name: 'gotk_token_cache_evictions_total', value: 1 },
      { name: 'gotk_token_cached_items', value: 3 },
      { name: 'gotk_token_cached_items', value: Number.NaN },
      { name: 'made_up_total', value: 1 },
    ];
    ended({ measures });
    ended({ measures });
    assert.equal(await value('imagereflect_scan_pages_total{registry="ghcr.io"}'), '4');
    assert.equal(await value('imagereflect_scan_duration_seconds_count{registry="ghcr.io"}'), '2');
    assert.equal(await value(`imagereflect_scan_tags{${OBJECT}}`), '7');
    const hits = `gotk_token_cache_events_total{${OBJECT},event_type="cache_hit",operation="reconcile"}`;
    assert.equal(await value(hits), '2');
    assert.equal(await value('gotk_token_cache_requests_total{status="failure"}'), '2');
    assert.equal(await value('gotk_token_cache_evictions_total'), '2');
    assert.equal(await value('gotk_token_cached_items'), '3');
    assert.doesNotMatch(await text(), /made_up|surplus|NaN/i);
  });

  test('misses without a single hit have a head as well', async () => {
    const { ended, text } = setUp();
    const labels = { event_type: 'cache_miss' };
    ended({ measures: [{ name: 'gotk_token_cache_events_total', value: 1, labels }] });
    assert.match(await text(), /^# TYPE gotk_token_cache_events_total counter$/m);
  });

  test('a deleted object leaves no series, and a run that ends later brings none back', async () => {
    const { controller, ended, text } = setUp();
    ended({ measures: [{ name: 'imagereflect_scan_tags', value: 7 }] });
    assert.match(await text(), /podinfo/);
    controller.forget('apps/podinfo');
    ended({ measures: [{ name: 'imagereflect_scan_tags', value: 7 }] }, false);
    assert.doesNotMatch(await text(), /podinfo/);
  });

  test('the queue tells its depth, waits and the age of what runs', async () => {
    const { clock, metrics, controller, value } = setUp();
    metrics.observe(KIND, {
      state: () => ({ objects: 5, waiting: 3, running: 1, scheduled: 4 }),
      inFlight: () => 2,
      circuitOpen: () => true,
      concurrent: 400,
    });
    const work = {
      key: 'apps/podinfo',
      lane: 'now',
      trigger: 'change',
      due: 0,
      addedAt: clock.now(),
    } as const;
    controller.added();
    clock.advance(2000);
    controller.started(work);
    clock.advance(3000);
    assert.equal(await value('workqueue_depth{name="imagerepository"}'), '3');
    assert.equal(await value('workqueue_adds_total{name="imagerepository"}'), '1');
    assert.equal(await value('workqueue_queue_duration_seconds_sum{name="imagerepository"}'), '2');
    assert.equal(await value('workqueue_longest_running_processor_seconds{name="imagerepository"}'), '3');
    assert.equal(await value('controller_runtime_active_workers{controller="imagerepository"}'), '1');
    assert.equal(await value('longshore_circuit_open{function="image-repository"}'), '1');
    controller.undelivered('apps/podinfo');
    assert.equal(await value('workqueue_work_duration_seconds_sum{name="imagerepository"}'), '3');
    assert.equal(await value('workqueue_unfinished_work_seconds{name="imagerepository"}'), '0');
  });

  test('every line follows the exposition format, each metric has one head', async () => {
    const { ended, text } = setUp();
    ended({
      measures: [
        { name: 'gotk_token_cache_events_total', value: 1, labels: { event_type: 'cache_hit' } },
        { name: 'gotk_token_cache_events_total', value: 1, labels: { event_type: 'cache_miss' } },
      ],
    });
    const heads = new Set<string>();
    for (const line of (await text()).split('\n').filter(Boolean)) {
      if (line.startsWith('#')) {
        assert.ok(!heads.has(line), `twice: ${line}`);
        heads.add(line);
      } else assert.match(line, /^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+$/);
    }
  });
});

test('beyond the limit objects share the series of their namespace, and sums stay right', () => {
  const series = createObjectSeries(2);
  for (let n = 0; n < 10; n++) series.observe(KIND, `apps/o${n}`, 1);
  series.forget(KIND, 'apps/o5');
  const counts = [...series.text()]
    .join('')
    .split('\n')
    .filter((line) => line.includes('_count'));
  assert.deepEqual(
    counts.map((line) => [/name="([^"]*)"/.exec(line)?.[1], line.split(' ').pop()]),
    [
      ['o0', '1'],
      ['o1', '1'],
      ['', '8'],
    ],
  );
});
