/** What the command reads: files and standard input, as text. */
import { readFile } from 'node:fs/promises';
import { getSystemErrorMessage } from 'node:util';
import { type Terminal, UsageError } from '../command.ts';
import { type Source, STANDARD_INPUT } from './flags.ts';

/** @throws UsageError when it cannot be read */
export async function readSource(source: Source, terminal: Terminal): Promise<string> {
  if (source === STANDARD_INPUT) return readStandardInput(terminal);
  try {
    return await readFile(source, 'utf8');
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${source}: ${errno === undefined ? 'cannot be read' : getSystemErrorMessage(errno)}`,
    );
  }
}

/** Everything up to its end. */
export async function readStandardInput({ stdin }: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
