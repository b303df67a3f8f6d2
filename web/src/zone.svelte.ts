/** The time zone in force: the one the address names, else the one this browser last chose, else the browser's own. */
import { ZONE_PARAMETER } from './links';
import { router } from './router.svelte';
import { isZone } from './zones';

const STORAGE_KEY = 'vigie.zone';

function known(name: string | null): string {
  return name !== null && isZone(name) ? name : '';
}

class Zone {
  #chosen = $state(known(localStorage.getItem(STORAGE_KEY)));
  /** As in `zones.ts`: empty is the browser's own. */
  readonly name = $derived(known(router.params.get(ZONE_PARAMETER)) || this.#chosen);

  /** Takes another zone, on this page and from now on. */
  choose(name: string): void {
    this.#chosen = known(name);
    localStorage.setItem(STORAGE_KEY, this.#chosen);
    const params = new URLSearchParams(router.params);
    params.delete(ZONE_PARAMETER);
    const query = params.toString();
    router.navigate(`${router.path}${query === '' ? '' : `?${query}`}`, { replace: true, zone: this.#chosen });
  }
}

export const zone = new Zone();
