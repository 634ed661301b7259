/** What `npm run deploy -- --help` and `npm run remove -- --help` print. */
import { SETTINGS, type SettingName } from '../../shared/runtime/settings.ts';
import { helpEntry, helpOfFlags } from '../cli/help-text.ts';
import { type Parameter, readParameters } from './parameters.ts';

const INTRODUCTIONS = {
  deploy: `Usage: npm run deploy -- --stage STAGE [--region REGION] [--cluster NAME] [--param NAME=VALUE]…

Deploys the functions to the AWS account of this shell's credentials, and writes the values for the chart to
.longshore/values-STAGE.yaml. Everything is checked before anything is created. docs/install.md goes through it.

  npm run deploy -- --stage prod --region eu-central-1 --cluster main
`,
  remove: `Usage: npm run remove -- --stage STAGE [--region REGION]

Removes the functions of a stage. The bucket stays, with all that was published.
`,
};

const FLAGS = {
  stage: { value: 'STAGE', help: 'Names this deployment: lower-case letters, digits and dashes.' },
  region: { value: 'REGION', help: 'Default: AWS_REGION, then AWS_DEFAULT_REGION.' },
};

const DEPLOY_FLAGS = {
  ...FLAGS,
  cluster: {
    value: 'NAME',
    help: 'EKS cluster that lets the functions and the relay in by their IAM roles; without it the relay mints tokens.',
  },
  param: { value: 'NAME=VALUE', help: 'One of the parameters below. May repeat.' },
};

/** The flags of a command, and for `deploy` every parameter of `serverless.yml` with what it means. */
export function deploymentHelp(command: 'deploy' | 'remove'): string {
  const flags = helpOfFlags(command === 'deploy' ? DEPLOY_FLAGS : FLAGS);
  const text = `${INTRODUCTIONS[command]}\nFlags:\n${flags}`;
  if (command === 'remove') return text;
  return `${text}\nParameters:\n${readParameters().map(entryOf).join('')}`;
}

/** A parameter that is a setting means what the setting means. */
function entryOf({ name, fallback, comment }: Parameter): string {
  const setting = SETTINGS[name as SettingName] as { help: string } | undefined;
  const meaning = setting?.help ?? comment ?? '';
  const texts = [meaning.charAt(0).toUpperCase() + meaning.slice(1)];
  if (fallback !== '') texts.push(`Default: ${fallback.replaceAll(/\$\{param:([\w-]+)\}/g, '<$1>')}`);
  return helpEntry(name, texts.map((text) => (text.endsWith('.') ? text : `${text}.`)).join(' '));
}
