/** The ImagePolicy of a file, checked as an API server with our CRD checks it. */
import { type Document, parseAllDocuments } from 'yaml';
import { applyDefaults, pruneUnknown, validate } from '../../../shared/api/admission.ts';
import { problemText } from '../../../shared/api/field-problem.ts';
import { IMAGE_POLICY, type ImagePolicySpec } from '../../../shared/api/image-policy.ts';
import { IMAGE_POLICY_KIND } from '../../../shared/api/image-policy-schema.ts';
import { PolicyError } from '../../../shared/policy/policy-error.ts';
import { UsageError } from '../command.ts';
import type { PolicyFile } from './flags.ts';

/**
 * The spec of an ImagePolicy in a text of YAML or JSON. Other objects, lists of them too, are passed over: people keep the
 * policy and its ImageRepository in one file. A status is not looked at.
 * @param from the file, for messages, and the name of the policy where there are several
 * @throws UsageError unless exactly one is meant; PolicyError with everything that the schema refuses
 */
export function readPolicyFile(text: string, { file, name }: PolicyFile): ImagePolicySpec {
  const policies = parseAllDocuments(text, { logLevel: 'silent' })
    .flatMap((document) => objectsOf(document, file))
    .filter(isPolicy);
  const meant = name === undefined ? policies : policies.filter((policy) => isCalled(policy, name));
  const [policy, another] = meant;
  if (policy && !another) return checkSpec(policy);
  if (policies.length === 0)
    throw new UsageError(`${file}: there is no ImagePolicy of ${IMAGE_POLICY.group} in it`);
  const names = (meant.length > 0 ? meant : policies).map((each) => `'${fullName(each)}'`).join(', ');
  throw new UsageError(
    another
      ? `${file}: there are ${meant.length} policies in it (${names}), choose one by --name`
      : `${file}: there is no ImagePolicy '${name}' in it, only ${names}`,
  );
}

type JsonObject = Record<string, unknown>;

function objectsOf(document: Document, file: string): JsonObject[] {
  const [problem] = document.errors;
  if (problem) throw new UsageError(`${file}: ${problem.message.split('\n')[0]}`);
  const value: unknown = toPlain(document, file);
  if (!isObject(value)) return [];
  return String(value.kind).endsWith('List') && Array.isArray(value.items)
    ? value.items.filter(isObject)
    : [value];
}

/** Aliases that multiply without end are refused by the parser only here. */
function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
}

function isPolicy({ apiVersion, kind }: JsonObject): boolean {
  return kind === IMAGE_POLICY.kind && String(apiVersion).split('/')[0] === IMAGE_POLICY.group;
}

function isCalled(policy: JsonObject, name: string): boolean {
  return name === nameOf(policy).name || name === fullName(policy);
}

/** With the namespace, where the file tells it. */
function fullName(policy: JsonObject): string {
  const { namespace, name } = nameOf(policy);
  return namespace === undefined ? `${name}` : `${namespace}/${name}`;
}

function nameOf({ metadata }: JsonObject): { namespace?: unknown; name?: unknown } {
  return isObject(metadata) ? metadata : {};
}

function checkSpec({ apiVersion, spec }: JsonObject): ImagePolicySpec {
  const version = String(apiVersion).split('/')[1];
  if (!IMAGE_POLICY.versions.some((each) => each === version)) {
    const known = IMAGE_POLICY.versions.map((each) => `${IMAGE_POLICY.group}/${each}`).join(', ');
    throw new PolicyError('invalid', `apiVersion: ${apiVersion} is not served, only ${known}`);
  }
  const { object, unknown } = pruneUnknown(IMAGE_POLICY_KIND, { spec: spec ?? undefined });
  const complete = applyDefaults(IMAGE_POLICY_KIND, object);
  const problems = [
    ...unknown.map((field) => `unknown field "${field}"`),
    ...validate(IMAGE_POLICY_KIND, complete).map(problemText),
  ];
  if (problems.length > 0) throw new PolicyError('invalid', problems.join('; '));
  return complete.spec as ImagePolicySpec;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
