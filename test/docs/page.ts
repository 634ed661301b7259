/** Pages of the docs as tests run them: the blocks that are marked to be run, in their order. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '../../infra/bundle/functions.ts';

/** `<!-- run -->`, then a block of commands; both may be indented, in a list. */
const MARKED = /^( *)<!-- run -->\n\1```console\n([\s\S]*?)^\1```$/gm;

/** The commands of a page below `docs/`, a text for each block. */
export function commandsOf(page: string): string[] {
  const text = readFileSync(join(PROJECT_FOLDER, 'docs', page), 'utf8');
  return [...text.matchAll(MARKED)].map(([, indent, block]) =>
    block!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/**
 * Runs commands as a person would who pastes them into a shell in the checkout, and ends at the first that fails.
 * @returns everything that they have written
 * @throws Error with that
 */
export async function runInShell(commands: string, environment: Record<string, string>): Promise<string> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: PROJECT_FOLDER,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve) => shell.once('close', resolve));
  if (code !== 0) throw new Error(`exit code ${code} of\n${commands}\n${output}`);
  return output;
}
