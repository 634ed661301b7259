/** What of a layer is not in its artifact: for the person who asks why a file is missing. */

/** Paths that are kept: the counts go on behind them. */
const MAX_PATHS = 1000;

export class LeftOut {
  /** Files and directories that the ignore rules drop. */
  ignored = 0;
  /** Symbolic links, which no artifact holds. */
  links = 0;
  /** The first of them, in the order of the tree, directories with a slash at the end. */
  readonly paths: string[] = [];

  addIgnored(path: string, directory: boolean): void {
    this.ignored++;
    this.#add(directory ? `${path}/` : path);
  }

  addLink(path: string): void {
    this.links++;
    this.#add(path);
  }

  #add(path: string): void {
    if (this.paths.length < MAX_PATHS) this.paths.push(path);
  }
}
