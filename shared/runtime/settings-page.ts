/** Writes the table of `docs/settings.md` from the table of settings. Run it with node after a change of one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { environmentName, SETTINGS, type SettingName } from './settings.ts';

const PAGE = new URL('../../docs/settings.md', import.meta.url);
const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

/** The table as Markdown, one line a setting. */
export function settingsTable(): string {
  const rows = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const { default: fallback, users, help } = SETTINGS[name];
    const shown = fallback === '' ? '–' : `\`${fallback}\``;
    return `| \`--${name}\` | \`${environmentName(name)}\` | ${shown} | ${users.join(', ')} | ${help} |`;
  });
  return [
    '| flag | environment | default | read by | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** The page with its table brought up to date. */
export function settingsPage(page: string = readFileSync(PAGE, 'utf8')): string {
  const [before, rest = ''] = page.split(START);
  const after = rest.split(END)[1] ?? '\n';
  return `${before}${START}\n${settingsTable()}\n${END}${after}`;
}

if (import.meta.main) writeFileSync(PAGE, settingsPage());
