/** How the help of every command shows its flags. */

const INDENT = ' '.repeat(8);
const WIDTH = 100;

/** A flag and what it means, wrapped. @param flag as it is typed, such as `data DIR`; @param short its one letter */
export function helpOfFlag(flag: string, meaning: string, short?: string): string {
  return helpEntry(`${short ? `-${short}, ` : ''}--${flag}`, meaning);
}

/** Something that has a name, and below it what it means, wrapped. */
export function helpEntry(name: string, meaning: string): string {
  return `  ${name}\n${wrap(meaning)}`;
}

/** Flags as `parseArgs` takes them, each with its help, one below the other. */
export function helpOfFlags(flags: Record<string, { value?: string; short?: string; help: string }>): string {
  return Object.entries(flags)
    .map(([name, { value, short, help }]) => helpOfFlag(value ? `${name} ${value}` : name, help, short))
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
