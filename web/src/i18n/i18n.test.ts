import { expect, it } from 'vitest';
import * as explore from './explore';
import * as fieldStats from './field-stats';
import * as fraud from './fraud';
import * as fraudEntity from './fraud-entity';
import * as fraudLists from './fraud-lists';
import * as fraudModels from './fraud-models';
import * as fraudRules from './fraud-rules';
import * as inputs from './inputs';
import * as overview from './overview';
import * as performance from './performance';
import * as searches from './searches';
import * as shell from './shell';
import * as uploads from './uploads';

const modules = { explore, fieldStats, fraud, fraudEntity, fraudLists, fraudModels, fraudRules, inputs, overview, performance, searches, shell, uploads };

/** The parameters that a text names. */
const params = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();

it.each(Object.entries(modules))('%s says the same in both languages', (_, { en, fr }) => {
  expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
  for (const [key, text] of Object.entries(en)) {
    expect(text, key).not.toBe('');
    expect(params((fr as Record<string, string>)[key] ?? ''), key).toEqual(params(text));
  }
});

it('no key is said twice', () => {
  const keys = Object.values(modules).flatMap((module) => Object.keys(module.en));
  expect(new Set(keys).size).toBe(keys.length);
});
