import { expect, it } from 'vitest';
import { addressOf, STANDARD, stateFromParams } from './overview-state';

it.each([
  ['/', STANDARD],
  ['/?from=now-1h&to=now', { ...STANDARD, from: 'now-1h' }],
  ['/?refresh=0', { ...STANDARD, refresh_s: 0 }],
  ['/?from=2026-11-20&to=now&refresh=60', { from: '2026-11-20', to: 'now', refresh_s: 60 }],
])('%s carries its state and gives it back', (address, state) => {
  expect(stateFromParams(new URLSearchParams(address.slice(2)))).toEqual(state);
  expect(addressOf(state)).toBe(address);
});

it.each([['1', 5], ['-3', 0], ['often', 0]])('a refresh of "%s" is one of %d s', (text, expected) =>
  expect(stateFromParams(new URLSearchParams({ refresh: text })).refresh_s).toBe(expected));
