/** Where `longshore up` keeps what it must find again. */
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../../cli/command.ts';

export const DEFAULT_REGISTRY_PORT = 15_000;

const PORT_FILE = 'registry-port';

export interface DemoFolder {
  path: string;
  /** Objects and certificates of the embedded API server. */
  api: string;
  /** Images of the local registry. */
  registry: string;
  /** The object store. */
  store: string;
  kubeconfig: string;
  log: string;
  registryPort: number;
}

/**
 * The demo's part of the data folder. A folder remembers its registry's port: the objects in it name the registry by address,
 * so with another port none of them would find their images.
 * @param asked port of the command line
 * @throws CommandError when the folder was made with another port
 */
export async function openDemoFolder(data: string, asked: number | undefined): Promise<DemoFolder> {
  await makeFolder(data);
  const known = Number(await readFile(join(data, PORT_FILE), 'utf8').catch(() => '')) || undefined;
  if (known !== undefined && asked !== undefined && asked !== known) {
    throw new CommandError(
      `--registry-port: the objects in ${data} name the registry as 127.0.0.1:${known}: leave the flag out, or use another --data folder`,
    );
  }
  const registryPort = known ?? asked ?? DEFAULT_REGISTRY_PORT;
  return {
    path: data,
    api: join(data, 'api'),
    registry: join(data, 'registry'),
    store: join(data, 'store'),
    kubeconfig: join(data, 'kubeconfig'),
    log: join(data, 'longshore.log'),
    registryPort,
  };
}

/** Keeps the registry's port for the next start. To be called when the port is ours: one that was taken may be changed. */
export async function rememberRegistryPort({ path, registryPort }: DemoFolder): Promise<void> {
  await writeFile(join(path, PORT_FILE), `${registryPort}\n`);
}

/**
 * The folder for the object store of an existing cluster, one of its own: two clusters may have objects of the same name.
 * @param server address of its API server
 */
export async function openClusterFolder(
  data: string,
  server: string,
): Promise<{ store: string; log: string }> {
  const { host, pathname } = new URL(server);
  const name = `${host}${pathname}`.replace(/[^A-Za-z0-9.-]+/g, '_').replace(/_$/, '');
  const folder = join(data, 'clusters', name);
  await makeFolder(folder);
  return { store: join(folder, 'store'), log: join(folder, 'longshore.log') };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new CommandError(`--data: cannot use ${folder}: ${(error as Error).message}`);
  }
}
