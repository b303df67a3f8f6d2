import { expect, it } from 'vitest';
import { change } from './change';

it.each([
  [108, 100, { share: 0.08, direction: 1 }],
  [50, 100, { share: 0.5, direction: -1 }],
  [100, 100, { share: 0, direction: 0 }],
  [0, 0, null],
  [5, 0, null],
  [null, 412, null],
  [undefined, 412, null],
  [412, null, null],
])('%s against %s', (now, before, expected) => {
  const found = change(now, before);
  if (expected === null || found === null) expect(found).toBe(expected);
  else expect({ ...found, share: Math.round(found.share * 1000) / 1000 }).toEqual(expected);
});
