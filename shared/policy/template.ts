/** Go's template of `Regexp.Expand`: `filterTags.extract` (IR-FIL-3). */

/** What stands between the groups is text, a group is its name or its number. */
type Piece = { text: string } | { group: string | number };

/** The text of a group of the match; null or undefined: it took no part, or there is none. */
export type GroupText = (group: string | number) => string | null | undefined;

const NAME = /[\p{L}\p{Nd}_]+/uy;

/** Reads a template once; the result is expanded for every match. */
export function parseTemplate(template: string): (group: GroupText) => string {
  const pieces: Piece[] = [];
  let text = '';
  for (let at = 0; at < template.length; ) {
    const dollar = template.indexOf('$', at);
    if (dollar < 0) {
      text += template.slice(at);
      break;
    }
    text += template.slice(at, dollar);
    const reference = readReference(template, dollar + 1);
    if (reference) {
      pieces.push({ text }, { group: reference.group });
      text = '';
      at = reference.end;
    } else {
      text += '$';
      at = dollar + (template[dollar + 1] === '$' ? 2 : 1);
    }
  }
  pieces.push({ text });
  return (groupText) =>
    pieces.map((piece) => ('text' in piece ? piece.text : (groupText(piece.group) ?? ''))).join('');
}

/** `name` or `{name}` behind a dollar. Undefined: the dollar stands for itself. */
function readReference(template: string, start: number): { group: string | number; end: number } | undefined {
  const braced = template[start] === '{';
  NAME.lastIndex = braced ? start + 1 : start;
  const name = NAME.exec(template)?.[0];
  if (name === undefined) return undefined;
  let end = NAME.lastIndex;
  if (braced && template[end++] !== '}') return undefined;
  return { group: /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : name, end };
}
