/** The frame of `longshore`: finds the command, prints help and version, turns errors into lines and exit codes. */
import { messageOf } from '../../shared/runtime/errors.ts';
import { redact } from '../../shared/runtime/redact.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { SettingsError } from '../../shared/runtime/settings.ts';
import { CommandError, type Terminal, UsageError } from './command.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';

/** Exit code of a command line that cannot be meant. */
const USAGE = 2;

/**
 * Runs one command line.
 * @param args without node and script
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage. Never rejects
 */
export async function runCli(
  args: string[],
  terminal: Terminal,
  signal: AbortSignal,
  commands: ReadonlyMap<string, CommandEntry> = COMMANDS,
): Promise<number> {
  const [name, ...rest] = args;
  const { stdout, stderr } = terminal;
  if (name === '--version' || name === '-v') {
    stdout.write(`longshore ${RELEASE}\n`);
    return 0;
  }
  const asked = isHelp(name) || name === 'help';
  const entry = commands.get((asked ? rest[0] : name) ?? '');
  const unknown = asked ? rest[0] : name;
  if (!entry && asked && unknown === undefined) {
    stdout.write(overview(commands));
    return 0;
  }
  if (!entry) {
    const problem = unknown === undefined ? 'a command is missing' : `unknown command '${unknown}'`;
    stderr.write(`longshore: ${problem}\n\n${overview(commands)}`);
    return USAGE;
  }
  try {
    const command = await entry.load();
    if (!asked && !helpWanted(rest)) return await command.run(rest, terminal, signal);
    stdout.write(command.help);
    return 0;
  } catch (error) {
    return report(error, name!, terminal);
  }
}

function isHelp(arg: string | undefined): boolean {
  return arg === '--help' || arg === '-h';
}

/** What follows `--` is not for us. */
function helpWanted(args: string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some(isHelp);
}

function overview(commands: ReadonlyMap<string, CommandEntry>): string {
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return [
    'Usage: longshore COMMAND [FLAGS]',
    '',
    'Kubernetes image and artifact controllers that run as serverless functions.',
    '',
    'Commands:',
    ...lines,
    '',
    'longshore COMMAND --help tells more about one; longshore --version prints the release.',
    '',
  ].join('\n');
}

/** Errors are lines on standard error: never a stack. */
function report(error: unknown, command: string, { stderr }: Terminal): number {
  const usage = error instanceof UsageError || error instanceof SettingsError;
  const text = usage || error instanceof CommandError ? error.message : messageOf(error);
  for (const line of redact(text).split('\n')) stderr.write(`longshore ${command}: ${line}\n`);
  if (usage) stderr.write(`Run 'longshore ${command} --help' for its flags.\n`);
  return usage ? USAGE : 1;
}
