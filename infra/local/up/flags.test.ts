import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { SettingsError } from '../../../shared/runtime/settings.ts';
import { UsageError } from '../../cli/command.ts';
import { flagHelp, readUpFlags } from './flags.ts';

const read = (...args: string[]) => readUpFlags(args, {});

test('without flags, the demo on its fixed ports', () => {
  const { flags, settings } = read();
  assert.deepEqual(flags, {
    once: false,
    timeout: 60_000,
    data: resolve('.longshore'),
    kubeconfig: undefined,
    context: undefined,
    installCrds: false,
    apiPort: 16_443,
    registryPort: undefined,
    quayPort: undefined,
  });
  assert.equal(settings['metrics-addr'], '127.0.0.1:18080');
  assert.equal(settings['allow-loopback-addresses'], true);
});

test('flags and settings stand in any order and both forms', () => {
  const { flags, settings } = read(
    ...['--namespace', 'a', '--kubeconfig=/k', '--once', '--namespace=b', '--aws-autologin-for-ecr'],
    ...['--context', 'c', '--install-crds', '--timeout', '1m30s', '--registry-port', '1', '--quay-port=2'],
  );
  assert.equal(flags.kubeconfig, '/k');
  assert.equal(flags.context, 'c');
  assert.equal(flags.timeout, 90_000);
  assert.deepEqual([flags.registryPort, flags.quayPort], [1, 2]);
  assert.ok(flags.once && flags.installCrds);
  assert.deepEqual(settings.namespace, ['a', 'b']);
  assert.equal(settings['aws-autologin-for-ecr'], true);
});

test('settings come from the environment too, flags do not', () => {
  const { flags, settings } = readUpFlags([], { NAMESPACE: 'a', KUBECONFIG: '/k', ONCE: 'true' });
  assert.deepEqual(settings.namespace, ['a']);
  assert.equal(flags.kubeconfig, undefined);
  assert.equal(flags.once, false);
});

for (const [args, message] of [
  [['now'], /^unexpected argument 'now'$/],
  [['--onec'], /^unknown flag '--onec'$/],
  [['--storage-bucket', 'b'], /^unknown flag '--storage-bucket'$/],
  [['--api-port', '70000'], /^--api-port: at most 65535 \(got '70000'\)$/],
  [['--api-port', 'x', '--timeout', 'soon'], /^--api-port: .*\n--timeout: invalid duration 'soon'/],
  [['--data'], /--data/],
  [['--once=true'], /--once/],
  [['--context', 'c'], /^--context: needs --kubeconfig$/],
  [['--install-crds'], /^--install-crds: needs --kubeconfig/],
] as const) {
  test(`refused: ${args.join(' ')}`, () => {
    assert.throws(
      () => read(...args),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('a setting that cannot be used is refused by the settings', () => {
  assert.throws(() => read('--concurrent', 'many'), SettingsError);
});

test('the help names every flag and its default', () => {
  const help = flagHelp();
  for (const part of [
    '--once\n',
    '--api-port PORT\n',
    '--watch-label-selector\n',
    'Default: 127.0.0.1:18080.',
  ]) {
    assert.ok(help.includes(part), part);
  }
  assert.ok(!help.includes('--storage-bucket'));
});
