/** `longshore up`, which is what `npm start` runs. */
import { flagHelp, readUpFlags } from '../local/up/flags.ts';
import type { Command } from './command.ts';

export const up: Command = {
  help: `Usage: longshore up [FLAGS]

Runs everything in one process. Without --kubeconfig it is a demo that needs nothing: an API server, a registry with
sample images, a Quay, and the objects of examples/ in a table. With --kubeconfig it serves that cluster instead.

${flagHelp()}`,
  async run(args, terminal, signal) {
    const { flags, settings } = readUpFlags(args, terminal.environment);
    // The command line is checked before anything heavy is loaded.
    const { runUp } = await import('../local/up/up.ts');
    return runUp({ flags, settings, terminal }, signal);
  },
};
