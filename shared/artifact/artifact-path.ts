/**
 * Where artifacts are (spec 16.1): `ocirepository/<namespace>/<name>/<file>` below the base of all URLs, and below
 * `<cluster>/artifacts/` in the object store, whose own prefix comes before it.
 */

/** The kind in lower case: the first folder of every path. */
const KIND_FOLDER = 'ocirepository';

/** The alias of the current artifact. It is replaced by every new one, unlike all other files. */
const LATEST_FILE = 'latest.tar.gz';

/** Characters of the file's digest that tell two files of one revision apart (decisions, OCIRepository). */
const SUFFIX_LENGTH = 12;

const NAMESPACE = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const NAME = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?';
const PATH = new RegExp(
  `^${KIND_FOLDER}/${NAMESPACE}/${NAME}/(?:latest|[0-9a-f]{32,128}(?:-[0-9a-f]{12})?)\\.tar\\.gz$`,
);

/** The object whose artifacts are meant. */
export interface ArtifactOwner {
  namespace: string;
  name: string;
}

/** What the paths of all files of an object begin with. */
export function artifactFolder({ namespace, name }: ArtifactOwner): string {
  return `${KIND_FOLDER}/${namespace}/${name}/`;
}

/**
 * Path of the file of a revision.
 * @param revision `<tag>@sha256:<hex>` or `sha256:<hex>`: the path has its hex digits
 * @param fileSha256 given when another file of the same revision has the plain name
 */
export function artifactPath(owner: ArtifactOwner, revision: string, fileSha256?: string): string {
  const hex = revision.slice(revision.lastIndexOf(':') + 1);
  const suffix = fileSha256 === undefined ? '' : `-${fileSha256.slice(0, SUFFIX_LENGTH)}`;
  return `${artifactFolder(owner)}${hex}${suffix}.tar.gz`;
}

/** Path of the alias. */
export function latestPath(owner: ArtifactOwner): string {
  return artifactFolder(owner) + LATEST_FILE;
}

/** Whether it is a path that we give: nothing else is looked up in the store. */
export function isArtifactPath(path: string): boolean {
  return PATH.test(path);
}

/** Key of a path in the object store. */
export function artifactKey(cluster: string, path: string): string {
  return `${cluster}/artifacts/${path}`;
}

/** What the keys of all artifacts of a cluster begin with. */
export function artifactsOf(cluster: string): string {
  return artifactKey(cluster, `${KIND_FOLDER}/`);
}
