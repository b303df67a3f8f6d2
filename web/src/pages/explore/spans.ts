/**
 * Spans of errors: the server counts the bytes of UTF-8, the browser UTF-16 units. Pure.
 */

const bytesOf = (codePoint: number): number => (codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4);

/** Where in the text the character at this byte stands; past the end, the end. */
export function unitAtByte(text: string, byte: number): number {
  let bytes = 0;
  let units = 0;
  for (const character of text) {
    if (bytes >= byte) return units;
    bytes += bytesOf(character.codePointAt(0) ?? 0);
    units += character.length;
  }
  return units;
}

/** A span in bytes as a span in UTF-16 units. */
export function unitSpan(text: string, [start, end]: readonly [number, number]): [number, number] {
  return [unitAtByte(text, start), unitAtByte(text, end)];
}
