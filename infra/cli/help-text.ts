/** How the help of every command shows its flags. */

const INDENT = ' '.repeat(8);
const WIDTH = 100;

/** A flag and what it means, wrapped. @param flag as it is typed, such as `data DIR` */
export function helpOfFlag(flag: string, meaning: string): string {
  return `  --${flag}\n${wrap(meaning)}`;
}

/** Flags as `parseArgs` takes them, each with its help, one below the other. */
export function helpOfFlags(flags: Record<string, { value?: string; help: string }>): string {
  return Object.entries(flags)
    .map(([name, { value, help }]) => helpOfFlag(value ? `${name} ${value}` : name, help))
    .join('');
}

function wrap(text: string): string {
  let lines = '';
  let line = INDENT;
  for (const word of text.split(' ')) {
    if (line !== INDENT && line.length + word.length > WIDTH) {
      lines += `${line.trimEnd()}\n`;
      line = INDENT;
    }
    line += `${word} `;
  }
  return `${lines}${line.trimEnd()}\n`;
}
