/** How commands log in to a registry: a user by flag, the password by standard input, where no process list shows it. */
import type { RunSecrets } from '../../shared/runtime/redact.ts';
import { type Terminal, UsageError } from './command.ts';
import { readStandardInput } from './input.ts';

/** Flags for `parseArgs`, with what the help says of them. */
export const LOGIN_FLAGS = {
  insecure: { type: 'boolean', help: 'Plain HTTP to the registry where HTTPS does not answer.' },
  username: {
    type: 'string',
    value: 'NAME',
    help: 'User of the registry; the password comes from --password-stdin.',
  },
  'password-stdin': { type: 'boolean', help: 'Read the password of the registry from standard input.' },
} as const;

export interface Login {
  username: string;
  password: string;
}

/** @throws UsageError when one of the two flags is given without the other */
export function requireBothOrNone(username: string | undefined, passwordStdin: boolean): void {
  if (passwordStdin === (username !== undefined)) return;
  throw new UsageError(
    passwordStdin ? '--password-stdin needs --username' : '--username needs --password-stdin',
  );
}

/** Reads the password: one line; `echo` ends it with a line feed that is not part of it. @param secrets learn it */
export async function readLogin(
  username: string | undefined,
  terminal: Terminal,
  secrets: RunSecrets,
): Promise<Login | undefined> {
  if (username === undefined) return undefined;
  const password = (await readStandardInput(terminal)).replace(/\r?\n$/, '');
  secrets.add(password);
  secrets.add(`${username}:${password}`);
  return { username, password };
}
