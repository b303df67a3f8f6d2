/** What a refused change of a saved search is told in. */
import type { ApiProblem } from '../../api/client';
import { m } from '../../i18n';
import { isChangedMeanwhile, isNameTaken } from './search-library.svelte';

export function refusalText(problem: ApiProblem): string {
  if (isNameTaken(problem)) return m.searches_name_taken();
  if (isChangedMeanwhile(problem)) return m.searches_changed_meanwhile();
  if (problem.status === 404) return m.searches_gone();
  return problem.status === 0 ? m.network_failed() : problem.detail;
}
