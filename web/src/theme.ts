/** Dark, light, or as the system has it. */
export type Theme = 'auto' | 'dark' | 'light';

const STORAGE_KEY = 'vigie.theme';
const prefersLight = (): boolean => matchMedia('(prefers-color-scheme: light)').matches;

export function chosenTheme(): Theme {
  const stored = localStorage.getItem(STORAGE_KEY);
  return stored === 'dark' || stored === 'light' ? stored : 'auto';
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme === 'auto' ? (prefersLight() ? 'light' : 'dark') : theme;
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(STORAGE_KEY, theme);
  applyTheme(theme);
}

/** Applies the choice now and whenever the system changes. */
export function startTheme(): void {
  applyTheme(chosenTheme());
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => applyTheme(chosenTheme()));
}
