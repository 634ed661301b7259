import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettingsError } from '../../shared/runtime/settings.ts';
import { runCli } from './cli.ts';
import { type Command, CommandError, type Terminal, UsageError } from './command.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';

/** A command that does what its first argument says. */
const probe: Command = {
  help: 'help of probe\n',
  async run([what, ...rest], { stdout }) {
    stdout.write(`ran with ${rest.join(' ')}\n`);
    switch (what) {
      case 'usage':
        throw new UsageError('--x: no\n--y: neither');
      case 'setting':
        throw new SettingsError(['--concurrent: expected a whole number']);
      case 'command':
        throw new CommandError('first\nsecond');
      case 'error':
        throw new TypeError('broken\nat once, with token=abcdefgh');
      default:
        return Number(what);
    }
  },
};

const commands = new Map<string, CommandEntry>([
  ['probe', { summary: 'tries the frame', load: async () => probe }],
  ['broken', { summary: 'cannot be loaded', load: () => Promise.reject(new Error('no such file')) }],
]);

async function run(...args: string[]) {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    environment: {},
  };
  const code = await runCli(args, terminal, new AbortController().signal, commands);
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

for (const args of [['--help'], ['-h'], ['help']]) {
  test(`${args}: the commands, on standard output`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: longshore COMMAND/);
    assert.match(stdout, /\n {2}probe +tries the frame\n/);
    assert.equal(stderr, '');
  });
}

for (const args of [
  ['probe', '--help'],
  ['probe', '3', '-h'],
  ['help', 'probe'],
  ['--help', 'probe'],
]) {
  test(`${args.join(' ')}: the command's own help, and nothing runs`, async () => {
    assert.deepEqual(await run(...args), { code: 0, stdout: 'help of probe\n', stderr: '' });
  });
}

test('--version prints the release', async () => {
  const { code, stdout } = await run('--version');
  assert.equal(code, 0);
  assert.match(stdout, /^longshore \d+\.\d+\.\d+\n$/);
});

for (const [args, first] of [
  [[], 'longshore: a command is missing'],
  [['prob'], "longshore: unknown command 'prob'"],
  [['help', 'prob'], "longshore: unknown command 'prob'"],
  [['--halp'], "longshore: unknown command '--halp'"],
] as const) {
  test(`wrong usage: '${args.join(' ')}'`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.ok(stderr.startsWith(`${first}\n\nUsage: `), stderr);
  });
}

test('the exit code is the command’s, and so are the arguments', async () => {
  assert.deepEqual(await run('probe', '0', 'a', '--b'), { code: 0, stdout: 'ran with a --b\n', stderr: '' });
  assert.equal((await run('probe', '7')).code, 7);
});

for (const [what, code, lines] of [
  ['usage', 2, ['--x: no', '--y: neither']],
  ['setting', 2, ['--concurrent: expected a whole number']],
  ['command', 1, ['first', 'second']],
  ['error', 1, ['broken at once, with token=***']],
] as const) {
  test(`an error of kind '${what}' is lines on standard error, without a stack`, async () => {
    const result = await run('probe', what);
    assert.equal(result.code, code);
    const hint = code === 2 ? ["Run 'longshore probe --help' for its flags."] : [];
    const expected = [...lines.map((line) => `longshore probe: ${line}`), ...hint, ''];
    assert.deepEqual(result.stderr.split('\n'), expected);
  });
}

test('a command that cannot be loaded is an error like any other', async () => {
  assert.deepEqual(await run('broken'), { code: 1, stdout: '', stderr: 'longshore broken: no such file\n' });
});

for (const [name, { load }] of COMMANDS) {
  test(`the help of '${name}' is text of at most 120 columns`, async () => {
    const { help } = await load();
    assert.ok(help.startsWith(`Usage: longshore ${name} `) && help.endsWith('\n'));
    const tooLong = help.split('\n').filter((line) => line.length > 120);
    assert.deepEqual(tooLong, []);
  });
}
