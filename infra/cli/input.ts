/** What commands read: files and standard input, as text. */
import { readFile } from 'node:fs/promises';
import { getSystemErrorMessage } from 'node:util';
import { type Terminal, UsageError } from './command.ts';

/** A file, or `-`: standard input. */
export type Source = string;
export const STANDARD_INPUT: Source = '-';

/**
 * The text without the mark that some editors put in front of it: it would be a part of the first line.
 * @throws UsageError when it cannot be read
 */
export async function readSource(source: Source, terminal: Terminal): Promise<string> {
  const text = source === STANDARD_INPUT ? await readStandardInput(terminal) : await readText(source);
  return text.replace(/^\uFEFF/, '');
}

async function readText(source: string): Promise<string> {
  try {
    return await readFile(source, 'utf8');
  } catch (error) {
    throw new UsageError(`${source}: ${fileProblem(error) ?? 'cannot be read'}`);
  }
}

/** Everything up to its end. */
export async function readStandardInput({ stdin }: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** What the system says of a file, such as `no such file or directory`; undefined: it was not the system. */
export function fileProblem(error: unknown): string | undefined {
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? undefined : getSystemErrorMessage(errno);
}
