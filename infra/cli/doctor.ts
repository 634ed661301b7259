/** `longshore doctor`: what is wrong between cluster, account and relay, and what to do about it. It changes nothing. */
import type { Command } from './command.ts';
import { doctorFlagHelp, readDoctorFlags } from './doctor/flags.ts';

export const doctor: Command = {
  help: `Usage: longshore doctor [FLAGS]

Checks an installation step by step: the API server, the CRDs, rights of relay and functions, the relay, the functions,
the bucket, the address of artifacts, and whether another controller manages the same objects. Says what to do about
whatever is wrong. The cluster is that of the kubeconfig, the account that of the AWS credentials of this shell. Nothing
is changed; each function writes one small object into its part of the bucket and removes it again.

  longshore doctor
  longshore doctor --namespace flux-system --release longshore --context prod -o json

${doctorFlagHelp()}
Exit code: 0 nothing failed; 1 something did; 2 a command line that cannot be meant.
`,
  async run(args, terminal, signal) {
    const flags = readDoctorFlags(args);
    // The command line is checked before anything heavy is loaded.
    const { runDoctor } = await import('./doctor/run.ts');
    return runDoctor(flags, terminal, signal);
  },
};
