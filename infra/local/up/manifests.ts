/** Objects in YAML files, and the resources that they are made at. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { COMPONENT } from '../../../shared/api/component.ts';
import { KINDS } from '../../../shared/api/kinds.ts';
import {
  apiVersionOf,
  CUSTOM_RESOURCE_DEFINITIONS,
  type KubeObject,
  NAMESPACES,
  type Resource,
  SECRETS,
  SERVICE_ACCOUNTS,
} from '../../../shared/kube/resource.ts';
import { CommandError } from '../../cli/command.ts';

/** An object as its file has it. */
export type Manifest = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
};

const COMPONENTS: Resource = { ...COMPONENT, version: COMPONENT.versions[0], namespaced: true };

/** What an example may hold. A further kind of ours comes by itself. */
const RESOURCES: readonly Resource[] = [
  NAMESPACES,
  SECRETS,
  SERVICE_ACCOUNTS,
  CUSTOM_RESOURCE_DEFINITIONS,
  COMPONENTS,
  ...KINDS.flatMap(({ versions, group, kind, plural, namespaced }) =>
    versions.map((version) => ({ group, version, kind, plural, namespaced })),
  ),
];

/**
 * The objects of all `*.yaml` files of a folder, in the order of their names.
 * @param edit changes the text of a file before it is parsed
 * @throws CommandError that names the file when one is no YAML
 */
export async function readManifests(
  folder: string,
  edit: (text: string) => string = String,
): Promise<Manifest[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  const manifests: Manifest[] = [];
  for (const name of files) {
    const file = join(folder, name);
    for (const document of parseAllDocuments(edit(await readFile(file, 'utf8')))) {
      const problem = document.errors[0];
      if (problem) throw new CommandError(`${file}: ${problem.message.split('\n')[0]}`);
      if (document.contents !== null) manifests.push(document.toJS() as Manifest);
    }
  }
  return manifests;
}

/** @throws CommandError for a kind that none of our files should have */
export function resourceOf({ apiVersion, kind, metadata }: Manifest): Resource {
  const resource = RESOURCES.find((each) => apiVersionOf(each) === apiVersion && each.kind === kind);
  if (!resource)
    throw new CommandError(`${apiVersion} ${kind} '${metadata.name}': not a kind for an example`);
  return resource;
}
