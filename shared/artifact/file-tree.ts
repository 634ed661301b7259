/** The files of a layer as a tree in memory; their content is elsewhere. The guards of OCI 13 on names and types. */
import { ArtifactError, quoted } from './artifact-error.ts';

/** What a file system would refuse: longer paths, and longer names in them (bytes). */
const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;

export interface FileNode {
  kind: 'file';
  executable: boolean;
  /** Where the content stands in the spool, and how long it is. */
  offset: number;
  size: number;
}

export interface DirectoryNode {
  kind: 'directory';
  children: Map<string, TreeNode>;
}

export type TreeNode = FileNode | DirectoryNode;

/** Every method throws an `ArtifactError` for what has no place in the tree. */
export class FileTree {
  readonly root: DirectoryNode = directory();
  readonly #maxEntries: number;
  #entries = 0;
  /** The last folder that was written to, and its path: entries of one folder come one after the other. */
  #recentPath: string | undefined;
  #recent = this.root;

  /** @param maxEntries files and directories that fit, those included that only an entry below them names */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Puts a file under `path` (clean); it replaces an earlier file. */
  addFile(path: string, file: FileNode): void {
    const slash = path.lastIndexOf('/');
    const { children } = this.#directoryAt(slash < 0 ? '' : path.slice(0, slash), path);
    const name = path.slice(slash + 1);
    const present = children.get(name);
    if (present?.kind === 'directory') throw clash(path, 'a file where a directory is');
    if (!present) this.count(path);
    children.set(name, file);
  }

  /** Makes the directory `path` (clean; empty: the root) unless it is there. */
  addDirectory(path: string): void {
    this.#directoryAt(path, path);
  }

  /** The file under `path` (clean); undefined: there is none. */
  fileAt(path: string): FileNode | undefined {
    let node: TreeNode | undefined = this.root;
    for (const name of path.split('/')) {
      if (node?.kind !== 'directory') return undefined;
      node = node.children.get(name);
    }
    return node?.kind === 'file' ? node : undefined;
  }

  /** Counts one entry more, also of those that are left out. @throws ArtifactError when it is one too many */
  count(path: string): void {
    this.#entries++;
    if (this.#entries <= this.#maxEntries) return;
    throw new ArtifactError(
      'limit',
      `the layer holds more than ${this.#maxEntries} entries (max-extracted-entries), reached at ${quoted(path)}: ${ADVICE}`,
    );
  }

  #directoryAt(path: string, entry: string): DirectoryNode {
    if (path === this.#recentPath) return this.#recent;
    let node = this.root;
    for (const name of path === '' ? [] : path.split('/')) {
      let child = node.children.get(name);
      if (!child) {
        this.count(entry);
        child = directory();
        node.children.set(name, child);
      }
      if (child.kind === 'file') throw clash(entry, 'a directory where a file is');
      node = child;
    }
    this.#recentPath = path;
    this.#recent = node;
    return node;
  }
}

/** What to do about a layer that is too large. */
export const ADVICE =
  'push a smaller artifact (what spec.ignore leaves out counts too), or raise the limit of this installation';

/**
 * The name of an entry, cleaned: `./a`, `a//b`, `a/./b` are `a`, `a/b`, `a/b`; the root is empty.
 * @throws ArtifactError for a name that leads out of the root, or that no file system takes
 */
export function cleanName(name: string): string {
  if (name === '' || name.startsWith('/') || /[\\\0]|\.\.\//.test(name)) throw invalidName(name);
  if (name.includes('\ufffd')) throw invalidName(name, ': it is not UTF-8');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalidName(name);
  // A component of so many UTF-16 units may have three times the bytes: counted only where it can matter.
  if (name.length * 3 > MAX_NAME_BYTES) {
    if (Buffer.byteLength(name) > MAX_PATH_BYTES) throw invalidName(name, ': the path is too long');
    if (parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES)) {
      throw invalidName(name, ': a name in it is too long');
    }
  }
  return parts.join('/');
}

function directory(): DirectoryNode {
  return { kind: 'directory', children: new Map() };
}

function invalidName(name: string, why = ''): ArtifactError {
  return new ArtifactError('name', `tar contained invalid name error ${quoted(name)}${why}`);
}

function clash(path: string, what: string): ArtifactError {
  return new ArtifactError('entry', `the layer has ${what}: ${quoted(path)}`);
}
