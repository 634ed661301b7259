/** `npm run bench`: the scenarios of design section 11, each against a cluster and a registry of their own. */
import { parseArgs } from 'node:util';
import type { Scenario } from './bench.ts';
import { type Figures, table } from './figures.ts';
import { BENCH_KINDS } from './kinds.ts';
import { burst } from './scenarios/burst.ts';
import { edit } from './scenarios/edit.ts';
import { quiet } from './scenarios/quiet.ts';
import { restart } from './scenarios/restart.ts';
import { tags } from './scenarios/tags.ts';
import { startWorld } from './world.ts';

const SCENARIOS: Record<string, Scenario> = { burst, edit, quiet, restart, tags };

/** What is measured alone, without a cluster. */
const PARTS: Record<string, (write: (line: string) => void) => Promise<void>> = {
  artifact: async (write) => (await import('./artifact/artifact.ts')).benchArtifact(write),
  policy: async (write) => (await import('./policy/policy.ts')).benchPolicy(write),
};

const USAGE = `usage: npm run bench -- [SCENARIO… | PART…] [--kind KIND] [--objects N] [--tags N]

  scenarios  ${Object.keys(SCENARIOS).join(', ')}; none named: all of them
  parts      ${Object.keys(PARTS).join(', ')}: measured alone, without a cluster
  --kind     ${Object.keys(BENCH_KINDS).join(', ')}
  --objects  how many objects burst and restart create (1000)
  --tags     tags of each repository (100)

Runs on a real kube-apiserver and registry where LONGSHORE_TOOLS or KUBEBUILDER_ASSETS names them, else on the embedded
ones. BENCH_CPU_PROFILE=FOLDER writes a CPU profile of the product there.
`;

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        kind: { type: 'string', default: 'imagerepository' },
        objects: { type: 'string', default: '1000' },
        tags: { type: 'string', default: '100' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const { values, positionals } = readArguments();
const names = positionals.length > 0 ? positionals : Object.keys(SCENARIOS);
if (!values.help && names.every((name) => name in PARTS)) {
  for (const name of names) await PARTS[name]!((line) => process.stdout.write(`${line}\n`));
  process.exit();
}
const kind = BENCH_KINDS[values.kind];
if (values.help || !kind || names.some((name) => !(name in SCENARIOS))) {
  process.stderr.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

const world = await startWorld({ tags: Number(values.tags) });
process.stdout.write(`${world.description}, Node ${process.version}\n`);
const rows: Figures[] = [];
try {
  for (const name of names) {
    const found = await SCENARIOS[name]!({
      world,
      kindName: values.kind,
      kind,
      objects: Number(values.objects),
    });
    for (const figures of found) process.stdout.write(`${JSON.stringify(figures)}\n`);
    rows.push(...found);
  }
} finally {
  await world.stop();
}
process.stdout.write(`\n${table(rows)}\n`);
