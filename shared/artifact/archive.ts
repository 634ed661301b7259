/** The archive that is published, uncompressed: headers, contents and padding as OCI 15 says. */
import { setImmediate } from 'node:timers/promises';
import type { TreeNode } from './file-tree.ts';
import type { LeftOut } from './left-out.ts';
import { BLOCK, type HeaderFields, headerRoom, padded, writeHeader } from './tar-header.ts';
import { type WalkedTree, walkTree } from './tree-walk.ts';

/** Sizes of the pieces; multiples of a block, with room for any header. */
const PIECE = 128 * 1024;
const SMALL_PIECE = 16 * 1024;
/** Longest stretch of work between two turns of the event loop (ms). */
const TURN_MS = 10;

/**
 * The archive piece by piece. The same tree and rules give the same bytes, however the layer was ordered.
 * @param leftOut learns what the rules drop
 * @throws ArtifactError of code `ignore` or `scratch`; the signal's reason
 */
export async function* archive(
  tree: WalkedTree,
  leftOut: LeftOut,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let turn = performance.now();
  for (const piece of pieces(tree, leftOut, PIECE)) {
    if (piece) yield piece;
    else if (performance.now() - turn < TURN_MS) continue;
    else await setImmediate();
    signal.throwIfAborted();
    turn = performance.now();
  }
}

/** The same in one buffer, for trees so small that it takes less than a turn of the event loop. */
export function archiveAtOnce(tree: WalkedTree, leftOut: LeftOut): Buffer {
  return Buffer.concat([...pieces(tree, leftOut, SMALL_PIECE)].filter((piece) => piece !== undefined));
}

/** Pieces, and undefined where there is none yet and the caller may rest. */
function* pieces(tree: WalkedTree, leftOut: LeftOut, length: number): Generator<Buffer | undefined> {
  let piece = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { path, node, dropped } of walkTree(tree)) {
    yield undefined;
    if (dropped) {
      leftOut.addIgnored(path, node.kind === 'directory');
      continue;
    }
    if (length - at < headerRoom(path.length * 3)) {
      yield piece.subarray(0, at);
      piece = Buffer.allocUnsafe(length);
      at = 0;
    }
    at = writeHeader(piece, at, headerOf(path, node));
    if (node.kind === 'directory') continue;
    for (let done = 0; done < node.size; ) {
      if (at === length) {
        yield piece;
        piece = Buffer.allocUnsafe(length);
        at = 0;
      }
      const part = Math.min(node.size - done, length - at);
      tree.spool.read(piece, at, node.offset + done, part);
      done += part;
      at += part;
    }
    piece.fill(0, at, padded(at));
    at = padded(at);
  }
  yield piece.subarray(0, at);
  yield Buffer.alloc(2 * BLOCK);
}

function headerOf(path: string, node: TreeNode): HeaderFields {
  if (node.kind === 'directory') return { path, kind: 'directory', size: 0 };
  return { path, kind: node.executable ? 'executable' : 'plain', size: node.size };
}
