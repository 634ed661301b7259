/** The commands. A file is imported only when its command runs or its help is asked for. */
import type { Command } from './command.ts';

export interface CommandEntry {
  /** One line for the list. */
  summary: string;
  load(): Promise<Command>;
}

export const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map([
  [
    'up',
    {
      summary: 'run everything here: a demo that needs nothing, or an existing cluster',
      load: async () => (await import('./up.ts')).up,
    },
  ],
  [
    'policy',
    {
      summary: 'tell which tag an ImagePolicy would pick, and why not the others',
      load: async () => (await import('./policy.ts')).policy,
    },
  ],
  [
    'artifact',
    {
      summary: 'make the artifact that an OCIRepository would publish, and tell what is left out',
      load: async () => (await import('./artifact.ts')).artifact,
    },
  ],
  [
    'doctor',
    {
      summary: 'check an installation step by step, and say what to do about what is wrong',
      load: async () => (await import('./doctor.ts')).doctor,
    },
  ],
]);
