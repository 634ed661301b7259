#!/usr/bin/env node
// Starts the command line (infra/cli) with a Node that runs TypeScript by itself: this one when it can, else the one
// that `npm ci` has put beside us. No new syntax here: an old Node must come as far as the message at the end.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useCompileCache } from './infra/cli/compile-cache.mjs';

const launcher = fileURLToPath(import.meta.url);
const folder = dirname(launcher);

/** The Node that the tests run with: the platform package of package.json. */
const platform = process.platform === 'win32' ? 'win' : process.platform;
const program = process.platform === 'win32' ? 'node.exe' : 'node';
const pinned = join(folder, 'node_modules', `node-${platform}-${process.arch}`, 'bin', program);

const [major, minor] = process.versions.node.split('.').map(Number);
const runsTypeScript = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

if (major >= 24) runHere();
else if (existsSync(pinned)) runWith(pinned);
else if (runsTypeScript) runHere();
else giveUp(`Node ${process.versions.node} cannot run this`);

function runHere() {
  // Node 22 warns that its type stripping is experimental; whoever starts us cannot do anything about it.
  const emitWarning = process.emitWarning;
  process.emitWarning = (...args) => {
    if (args[1] !== 'ExperimentalWarning') emitWarning.apply(process, args);
  };
  useCompileCache();
  import('./infra/cli/main.ts').catch((error) => giveUp(String(error.message).split('\n')[0]));
}

/** A second process that shares our terminal and gets our signals; we end as it ends. */
function runWith(node) {
  const child = spawn(node, [launcher, ...process.argv.slice(2)], { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  child.on('error', () => {
    // Installed, but not for this machine (another C library, say).
    if (runsTypeScript) runHere();
    else giveUp(`neither Node ${process.versions.node} nor ${node} can run this`);
  });
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeListener(name, forward);
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

function giveUp(problem) {
  process.stderr.write(
    `longshore: ${problem}: run 'npm ci' in ${folder}, which also brings Node 24, or use Node 22.18 or later\n`,
  );
  process.exitCode = 1;
}
