import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LayerSelector } from '../../shared/api/oci-repository.ts';
import { contentConfigChecksum, isContentChanged } from './content-config.ts';

type Row = [
  ignore: string | undefined,
  observedIgnore: string | undefined,
  selector: LayerSelector | undefined,
  observedSelector: LayerSelector | undefined,
  changed: boolean,
];

describe('content-config decisions (26.3)', () => {
  const rows: Row[] = [
    [undefined, undefined, undefined, undefined, false],
    ['a', 'a', undefined, undefined, false],
    ['a', 'b', undefined, undefined, true],
    [undefined, 'a', undefined, undefined, true],
    ['', undefined, undefined, undefined, true],
    [undefined, undefined, {}, undefined, true],
    [undefined, undefined, { mediaType: 't' }, { mediaType: 't' }, false],
    [undefined, undefined, { mediaType: 't', operation: 'extract' }, { mediaType: 't' }, true],
    [
      undefined,
      undefined,
      { mediaType: 't', operation: 'copy' },
      { mediaType: 't', operation: 'extract' },
      true,
    ],
    // Beyond the table.
    ['', '', {}, {}, false],
    [undefined, undefined, undefined, {}, true],
    [undefined, undefined, { mediaType: 't' }, { mediaType: 'u' }, true],
    [undefined, undefined, { mediaType: '' }, {}, false],
  ];
  for (const [ignore, observedIgnore, layerSelector, observedLayerSelector, changed] of rows) {
    const name = JSON.stringify([
      { ignore, layerSelector },
      { observedIgnore, observedLayerSelector },
    ]);
    test(`${name}: ${changed ? 'changed' : 'the same'}`, () => {
      const result = isContentChanged({ ignore, layerSelector }, { observedIgnore, observedLayerSelector });
      assert.equal(result, changed);
    });
  }
});

describe('the checksum for clients of 2022 (6.7)', () => {
  const chart = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
  for (const [spec, hex] of [
    [{}, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [{ ignore: '' }, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [{ ignore: 'docs/\n' }, '39979724c41ea9e7a7616a06d74f5021d3c866c2d9a769a79c2e0a9c6e72550f'],
    [{ layerSelector: {} }, 'f1cf2fd5c86895128d559088259a132d4d4689a4d6ae4e0339100393438ec986'],
    [
      { layerSelector: { mediaType: chart, operation: 'copy' } },
      '15fc08929b40d8c433ae7226310829be16eeba76e0f5b14058c355941709a42a',
    ],
  ] as const) {
    test(JSON.stringify(spec), () => assert.equal(contentConfigChecksum(spec), `sha256:${hex}`));
  }
});
