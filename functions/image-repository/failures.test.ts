import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageNameError } from '../../shared/oci/image-name.ts';
import { readSpec } from './failures.ts';

describe('what the spec says wrongly stalls', () => {
  it('an image', () => {
    const read = () => {
      throw new ImageNameError('could not parse reference: x');
    };
    assert.throws(() => readSpec(read), {
      reason: 'ImageURLInvalid',
      message: 'could not parse reference: x',
    });
  });

  it('anything else', () => {
    const read = () => {
      throw new RangeError("invalid duration 'x'");
    };
    assert.throws(() => readSpec(read), { reason: 'InvalidSpec', message: "invalid duration 'x'" });
  });
});
