import { describe, expect, it } from 'vitest';
import { differences, type Draft, draftFrom, faultText, placeIn, requestFrom, wrongFields } from './rule-draft';

const draft: Draft = { name: 'many_cards', expression: 'device.card_count_24h >= 3', points: 40, action: '', owner: 'payments', mode: 'active', reason: 'many cards', reason_fr: 'plusieurs cartes' };
const wrong = (change: Partial<Draft>, taken: string[] = []): string[] => Object.keys(wrongFields({ ...draft, ...change }, taken));

describe('what is wrong with a rule', () => {
  it.each<[Partial<Draft>, string[]]>([
    [{}, []],
    [{ name: '' }, ['name']],
    [{ name: 'Many Cards' }, ['name']],
    [{ expression: ' \n' }, ['expression']],
    [{ points: null }, ['points']],
    [{ points: 101 }, ['points']],
    [{ points: 1.5 }, ['points']],
    [{ reason: '', reason_fr: '' }, ['reason', 'reason_fr']],
  ])('%o', (change, fields) => {
    expect(wrong(change)).toEqual(fields);
  });

  it('is a name that another has', () => {
    expect(wrongFields(draft, ['many_cards']).name).toBe('There is a rule of this name already.');
  });
});

describe('the difference of two versions', () => {
  it('is told field by field, with the words that differ', () => {
    expect(differences(draft, { ...draft, expression: 'device.card_count_24h >= 5', points: 30 })).toEqual([
      { field: 'expression', before: ['device.card_count_24h >= ', '3', ''], after: ['device.card_count_24h >= ', '5', ''] },
      { field: 'points', before: ['', '40', ''], after: ['', '30', ''] },
    ]);
  });

  it('keeps the words at the end that both have', () => {
    expect(differences({ reason: 'a card too many' }, { reason: 'a new card too many' })).toEqual([{ field: 'reason', before: ['a ', '', 'card too many'], after: ['a ', 'new ', 'card too many'] }]);
  });

  it('is every field of a rule that was deleted, and none of the same', () => {
    expect(differences(draft, {}).map(({ field, after }) => [field, after[1]])).toEqual([['expression', '–'], ['points', '–'], ['mode', '–'], ['owner', '–'], ['reason', '–'], ['reason_fr', '–']]);
    expect(differences(draft, { ...draft })).toEqual([]);
  });
});

describe('a draft', () => {
  it('is what the server has of a rule, and what it is sent again', () => {
    const sent = { expression: 'a > 1', points: 30, action: 'block', owner: 'payments', mode: 'shadow', reason: 'a', reason_fr: 'b' };
    expect(requestFrom(draftFrom('a', sent))).toEqual(sent);
    expect(requestFrom(draftFrom('a', { ...sent, action: null }))).toEqual({ ...sent, action: null });
  });

  it('is empty where a version deleted its rule', () => {
    expect(draftFrom('a', { expression: null, action: 'unheard of' })).toEqual({ name: 'a', expression: '', points: null, action: '', owner: '', mode: 'off', reason: '', reason_fr: '' });
  });

  it('tells what an action became', () => {
    expect(differences(draft, { ...draft, action: 'block' })).toEqual([{ field: 'action', before: ['', '–', ''], after: ['', 'Always block', ''] }]);
  });
});

describe('the place of a fault', () => {
  it.each([
    ['a > wrong', [4, 9], { line: 1, column: 5, end: 9 }],
    ['a &&\n  wrong', [7, 12], { line: 2, column: 3, end: 7 }],
    ['"😀" x', [5, 6], { line: 1, column: 5, end: 5 }],
    ['a\nb', [0, 3], { line: 1, column: 1, end: 1 }],
    ['', [0, 0], { line: 1, column: 1, end: 1 }],
  ] as const)('%j', (text, span, place) => {
    expect(placeIn(text, span)).toEqual(place);
  });

  it('is said in words', () => {
    expect(faultText('a > wrong', [4, 9], 'no such signal')).toBe('Line 1, characters 5 to 9: no such signal');
    expect(faultText('a >', [3, 3], 'something is missing')).toBe('Line 1, character 4: something is missing');
  });
});
