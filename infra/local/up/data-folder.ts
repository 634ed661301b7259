/** Where `longshore up` keeps what it must find again. */
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../../cli/command.ts';

/** Ports of the demo by which its objects name other servers. The flags are called after them: `--registry-port`, … */
export const DEFAULT_PORTS = { registry: 15_000, quay: 15_001 };

type Server = keyof typeof DEFAULT_PORTS;
type Ports = Record<Server, number>;

const SERVERS = Object.keys(DEFAULT_PORTS) as Server[];

export interface DemoFolder {
  path: string;
  /** Objects and certificates of the embedded API server. */
  api: string;
  /** Images of the local registry. */
  registry: string;
  /** What the local Quay holds: a file. */
  quay: string;
  /** The object store. */
  store: string;
  kubeconfig: string;
  log: string;
  ports: Ports;
}

/**
 * The demo's part of the data folder. A folder remembers the ports of registry and Quay: the objects in it name them by
 * address, so with other ports none of them would find their images.
 * @param asked ports of the command line
 * @throws CommandError when the folder was made with another port
 */
export async function openDemoFolder(data: string, asked: Partial<Ports>): Promise<DemoFolder> {
  await makeFolder(data);
  const ports = { ...DEFAULT_PORTS };
  for (const server of SERVERS) ports[server] = await portOf(data, server, asked[server]);
  return {
    path: data,
    api: join(data, 'api'),
    registry: join(data, 'registry'),
    quay: join(data, 'quay.json'),
    store: join(data, 'store'),
    kubeconfig: join(data, 'kubeconfig'),
    log: join(data, 'longshore.log'),
    ports,
  };
}

/** Keeps the ports for the next start. To be called when they are ours: one that was taken may be changed. */
export async function rememberPorts({ path, ports }: DemoFolder): Promise<void> {
  for (const server of SERVERS) await writeFile(portFile(path, server), `${ports[server]}\n`);
}

async function portOf(data: string, server: Server, asked: number | undefined): Promise<number> {
  const known = Number(await readFile(portFile(data, server), 'utf8').catch(() => '')) || undefined;
  if (known !== undefined && asked !== undefined && asked !== known) {
    throw new CommandError(
      `--${server}-port: the objects in ${data} name it as 127.0.0.1:${known}: leave the flag out, or use another --data folder`,
    );
  }
  return known ?? asked ?? DEFAULT_PORTS[server];
}

function portFile(data: string, server: Server): string {
  return join(data, `${server}-port`);
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
