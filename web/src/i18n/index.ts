/**
 * The texts of the UI in English and French. A page's texts stand in a file of their own; both languages have the same keys.
 */
import * as differences from './differences';
import * as exports from './export';
import * as explore from './explore';
import * as fieldStats from './field-stats';
import * as fraud from './fraud';
import * as fraudEntity from './fraud-entity';
import * as fraudLists from './fraud-lists';
import * as fraudModels from './fraud-models';
import * as fraudRules from './fraud-rules';
import * as inputs from './inputs';
import * as live from './live';
import * as overview from './overview';
import * as patterns from './patterns';
import * as performance from './performance';
import * as searches from './searches';
import * as shell from './shell';
import * as uploads from './uploads';

const texts = {
  en: { ...shell.en, ...differences.en, ...explore.en, ...exports.en, ...fieldStats.en, ...fraud.en, ...fraudEntity.en, ...fraudLists.en, ...fraudModels.en, ...fraudRules.en, ...inputs.en, ...live.en, ...overview.en, ...patterns.en, ...performance.en, ...searches.en, ...uploads.en },
  fr: { ...shell.fr, ...differences.fr, ...explore.fr, ...exports.fr, ...fieldStats.fr, ...fraud.fr, ...fraudEntity.fr, ...fraudLists.fr, ...fraudModels.fr, ...fraudRules.fr, ...inputs.fr, ...live.fr, ...overview.fr, ...patterns.fr, ...performance.fr, ...searches.fr, ...uploads.fr },
};

export type Language = keyof typeof texts;
type Key = keyof (typeof texts)['en'];
type Message = (params?: Record<string, string | number>) => string;

const STORAGE_KEY = 'vigie.language';

function chosenLanguage(): Language {
  if (typeof localStorage === 'undefined') return 'en';
  const stored = localStorage.getItem(STORAGE_KEY);
  if (stored === 'en' || stored === 'fr') return stored;
  return navigator.language.toLowerCase().startsWith('fr') ? 'fr' : 'en';
}

const chosen = chosenLanguage();

/** The language in force; it changes only with the page. */
export const language = (): Language => chosen;

/** The language as `Intl` names it. */
export const locale = (): string => (chosen === 'fr' ? 'fr-FR' : 'en-US');

/** Takes another language and loads the page anew. */
export function setLanguage(next: Language): void {
  localStorage.setItem(STORAGE_KEY, next);
  location.reload();
}

function fill(text: string, params: Record<string, string | number> | undefined): string {
  return params === undefined ? text : text.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''));
}

/** Every text by its key: `m.explore_run()`, `m.explore_rows_failed()`, `m.overview_against({ value: '8 %' })`. */
export const m = Object.fromEntries(
  Object.entries(texts[chosen]).map(([key, text]) => [key, (params?: Record<string, string | number>) => fill(text, params)]),
) as Record<Key, Message>;
