/** `longshore artifact`: what an OCIRepository would make of a registry's content. It asks no cluster. */
import { artifactFlagHelp, readArtifactFlags } from './artifact/flags.ts';
import type { Command } from './command.ts';

export const artifact: Command = {
  help: `Usage: longshore artifact pull oci://HOST/REPOSITORY -o FILE [FLAGS]

Makes the artifact that an OCIRepository would publish, with the code that the function runs, and tells its revision,
its digest and what was left out. No cluster is asked, nothing is stored but FILE.

  longshore artifact pull oci://ghcr.io/org/manifests --tag v1 -o manifests.tar.gz
  longshore artifact pull oci://ghcr.io/org/charts/app --semver 1.x --operation copy -o app.tgz

${artifactFlagHelp()}
Exit code: 0 FILE is written; 3 no artifact can be made; 2 a command line that cannot be meant; 4 the registry failed;
1 FILE cannot be written.
`,
  async run(args, terminal, signal) {
    const flags = readArtifactFlags(args);
    // The command line is checked before anything heavy is loaded.
    const { runPull } = await import('./artifact/pull.ts');
    return runPull(flags, terminal, signal);
  },
};
