/** Runs a command in this process, as a shell would. */
import { runCli } from './cli.ts';
import type { Terminal } from './command.ts';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** @param args with the name of the command; @param input standard input */
export async function runCommand(
  args: string[],
  input = '',
  signal = new AbortController().signal,
): Promise<Ended> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    environment: {},
    stdin: (async function* () {
      yield input;
    })(),
  };
  const code = await runCli(args, terminal, signal);
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}
