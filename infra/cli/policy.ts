/** `longshore policy`: which tag a policy would pick, and why not the others. It asks no cluster. */
import type { Command } from './command.ts';
import { policyFlagHelp, readPolicyFlags } from './policy/flags.ts';

export const policy: Command = {
  help: `Usage: longshore policy RULE TAGS [FLAGS]

Tells which tag an ImagePolicy would pick, and why not the others, with the code that the function runs. No cluster is
asked, nothing is changed.

  RULE  -f FILE [--name NAME], or
        --semver RANGE, --numerical asc|desc, --alphabetical asc|desc [--filter PATTERN --extract TEMPLATE]
  TAGS  --tags FILE, or --image NAME

  longshore policy -f policy.yaml --image ghcr.io/org/app
  crane ls ghcr.io/org/app | longshore policy --semver '>=1.0.0 <2.0.0' --tags -

${policyFlagHelp()}
Exit code: 0 a tag is picked; 3 none fits; 2 an invalid policy or command line; 4 the registry failed.
`,
  async run(args, terminal, signal) {
    const flags = readPolicyFlags(args);
    // The command line is checked before anything heavy is loaded.
    const { runPolicy } = await import('./policy/run.ts');
    return runPolicy(flags, terminal, signal);
  },
};
