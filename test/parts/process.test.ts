import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { freePort, startProcess } from './process.ts';

const serve = (port: number) => `require('node:net').createServer().listen(${port}, '127.0.0.1')`;

test('a program is ready when its port accepts connections, and gone when it was stopped', async () => {
  const port = await freePort();
  const running = await startProcess(process.execPath, ['-e', serve(port)], { port });
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.destroy();
  await running.stop();
  assert.throws(() => process.kill(running.pid, 0), { code: 'ESRCH' });
  await running.stop();
});

test('a program that ends too early is an error with what it printed', async () => {
  const port = await freePort();
  const starting = startProcess(process.execPath, ['-e', 'console.error("no disk"); process.exit(3)'], {
    port,
  });
  await assert.rejects(starting, /is not ready: it ended with code 3\nno disk/);
});

test('a program that never listens is given up and stopped', async () => {
  const port = await freePort();
  const starting = startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    port,
    readyMs: 50,
  });
  await assert.rejects(starting, new RegExp(`port ${port} does not accept connections after 50 ms`));
});

test('a program that does not exist', async () => {
  await assert.rejects(startProcess('/no/such/program', []), /ENOENT/);
});

test('environment, folder and output', async () => {
  const script = 'console.log(process.env.CANARY, process.cwd())';
  const running = await startProcess(process.execPath, ['-e', script], { env: { CANARY: 'yes' }, cwd: '/' });
  assert.equal(await running.ended, 0);
  assert.equal(running.output(), 'yes /\n');
});
