/** The command line of `longshore doctor`. */
import { parseArgs } from 'node:util';
import { asUsage, UsageError } from '../command.ts';
import { helpOfFlags } from '../help-text.ts';

export interface DoctorFlags {
  /** Of the release. */
  namespace: string;
  release: string;
  kubeconfig: string | undefined;
  context: string | undefined;
  output: 'table' | 'json';
}

const FLAGS = {
  namespace: {
    type: 'string',
    short: 'n',
    value: 'NAME',
    help: 'Namespace that the chart is installed in. Default: longshore-system.',
  },
  release: { type: 'string', value: 'NAME', help: 'Name of the Helm release. Default: longshore.' },
  kubeconfig: { type: 'string', value: 'FILE', help: 'Default: KUBECONFIG, then ~/.kube/config.' },
  context: {
    type: 'string',
    value: 'NAME',
    help: 'Context of the kubeconfig; its current one when left out.',
  },
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'table (default) or json.' },
} as const;

/** The flags, one below the other, as the help shows them. */
export function doctorFlagHelp(): string {
  return helpOfFlags(FLAGS);
}

/** @throws UsageError that names the flag */
export function readDoctorFlags(args: string[]): DoctorFlags {
  const values = asUsage(
    () => parseArgs({ args, options: FLAGS, allowPositionals: false, strict: true }).values,
  );
  const {
    namespace = 'longshore-system',
    release = 'longshore',
    kubeconfig,
    context,
    output = 'table',
  } = values;
  if (output !== 'table' && output !== 'json') {
    throw new UsageError(`--output: expected table or json (got '${output}')`);
  }
  return { namespace, release, kubeconfig, context, output };
}
