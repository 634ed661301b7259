/** The ImagePolicy of a file, checked as an API server with our CRD checks it. */
import { type Document, parseAllDocuments } from 'yaml';
import { applyDefaults, pruneUnknown, validate } from '../../../shared/api/admission.ts';
import { problemText } from '../../../shared/api/field-problem.ts';
import { IMAGE_POLICY, type ImagePolicySpec } from '../../../shared/api/image-policy.ts';
import { IMAGE_POLICY_KIND } from '../../../shared/api/image-policy-schema.ts';
import { PolicyError } from '../../../shared/policy/policy-error.ts';
import { UsageError } from '../command.ts';

/**
 * The spec of the one ImagePolicy in a text of YAML or JSON. Other objects, lists of them too, are passed over: people
 * keep the policy and its ImageRepository in one file. A status is not looked at.
 * @param name of the file, for messages
 * @throws UsageError when there is none or more than one; PolicyError with everything that the schema refuses
 */
export function readPolicyFile(text: string, name: string): ImagePolicySpec {
  const policies = parseAllDocuments(text, { logLevel: 'silent' })
    .flatMap((document) => objectsOf(document, name))
    .filter(isPolicy);
  const [policy] = policies;
  if (!policy) throw new UsageError(`${name}: there is no ImagePolicy of ${IMAGE_POLICY.group} in it`);
  if (policies.length > 1) {
    const names = policies.map(({ metadata }) => `'${(metadata as { name?: string } | null)?.name ?? ''}'`);
    throw new UsageError(`${name}: there are ${names.length} policies in it (${names.join(', ')}), give one`);
  }
  return checkSpec(policy);
}

type JsonObject = Record<string, unknown>;

function objectsOf(document: Document, name: string): JsonObject[] {
  const [problem] = document.errors;
  if (problem) throw new UsageError(`${name}: ${problem.message.split('\n')[0]}`);
  const value: unknown = toPlain(document, name);
  if (!isObject(value)) return [];
  return String(value.kind).endsWith('List') && Array.isArray(value.items)
    ? value.items.filter(isObject)
    : [value];
}

/** Aliases that multiply without end are refused by the parser only here. */
function toPlain(document: Document, name: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`);
  }
}

function isPolicy({ apiVersion, kind }: JsonObject): boolean {
  return kind === IMAGE_POLICY.kind && String(apiVersion).split('/')[0] === IMAGE_POLICY.group;
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
