import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HELM_CHART_LAYER } from '../../shared/api/oci-repository.ts';
import { digestOfBytes } from '../../shared/oci/digest.ts';
import type { Registry } from '../../shared/oci/registry.ts';
import { listLayers, openLayer, pickLayer } from './layer.ts';
import type { ImageManifest } from './manifest.ts';

const PROVENANCE = 'application/vnd.cncf.helm.chart.provenance.v1.prov';
const image = (mediaTypes: string[], configType = ''): ImageManifest => ({
  configType,
  layers: mediaTypes.map((mediaType, index) => ({ mediaType, digest: `sha256:${index}`, size: 1 })),
  annotations: {},
});
const helm = (...mediaTypes: string[]) => image(mediaTypes, 'application/vnd.cncf.helm.config.v1+json');

describe('which layer (12)', () => {
  const picks = (from: ImageManifest, mediaType: string | undefined, digest: string) =>
    assert.equal(pickLayer(from, mediaType === undefined ? undefined : { mediaType }).digest, digest);

  test('the first, when none is asked for', () => {
    picks(image(['a', 'b']), undefined, 'sha256:0');
    picks(image(['a', 'b']), '', 'sha256:0');
  });
  test('the first of the type that is asked for, letter by letter', () => {
    picks(image(['a', 'b', 'b']), 'b', 'sha256:1');
    assert.throws(() => pickLayer(image(['a']), { mediaType: 'A' }), {
      message: "failed to find layer with media type 'A' in artifact",
    });
  });
  test('the chart of a Helm chart, wherever it stands', () => {
    picks(helm(PROVENANCE, HELM_CHART_LAYER), undefined, 'sha256:1');
    picks(helm(HELM_CHART_LAYER, PROVENANCE), undefined, 'sha256:0');
    picks(helm(PROVENANCE), undefined, 'sha256:0');
    picks(image([PROVENANCE, HELM_CHART_LAYER]), undefined, 'sha256:0');
    picks(helm(PROVENANCE, HELM_CHART_LAYER), PROVENANCE, 'sha256:0');
  });
  test('none at all', () => {
    assert.throws(() => pickLayer(image([]), undefined), { message: 'no layers found in artifact' });
  });
  test('what there is, for whoever has to choose', () => {
    assert.equal(listLayers(image(['a', 'b']).layers), '[0] a, [1] b');
  });
});

describe('the content of a layer', () => {
  const signal = new AbortController().signal;
  const bytes = Buffer.from('content');
  const digest = digestOfBytes(bytes);
  const nobody = {} as Registry;

  test('that stands in the manifest is not asked for', async () => {
    const layer = { mediaType: 'a', digest, size: bytes.length, data: bytes.toString('base64') };
    const chunks = await Array.fromAsync(await openLayer(nobody, layer, signal));
    assert.deepEqual(Buffer.concat(chunks), bytes);
  });
  test('that stands in the manifest and is another', async () => {
    const layer = { mediaType: 'a', digest, size: 3, data: Buffer.from('lie').toString('base64') };
    await assert.rejects(openLayer(nobody, layer, signal), /the content has digest sha256:[0-9a-f]+, not/);
  });
  test('with a digest that we cannot check', async () => {
    const layer = { mediaType: 'a', digest: 'md5:1', size: 3 };
    await assert.rejects(openLayer(nobody, layer, signal), /'md5:1' is no digest of a layer/);
  });
});
