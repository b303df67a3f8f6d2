/**
 * The address is the state: the path names the page, the parameters what it shows. Back and Forward replay it.
 */
import { addressWithin, withZone, ZONE_PARAMETER } from './links';

class Router {
  path = $state(location.pathname);
  params = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#followLink(event));
  }

  /**
   * Goes to an address of this app. `replace` leaves no entry behind, for states on the way to another. The time zone
   * goes along unless another is given.
   */
  navigate(address: string, options: { replace?: boolean; zone?: string } = {}): void {
    const url = withZone(address, options.zone ?? this.params.get(ZONE_PARAMETER) ?? '');
    const isSame = url === location.pathname + location.search;
    if (options.replace === true || isSame) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    this.#read();
  }

  #read(): void {
    this.path = location.pathname;
    this.params = new URLSearchParams(location.search);
  }

  /** Links within the app do not load the page anew; those with a modifier or a target stay the browser's. */
  #followLink(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null) return;
    const { origin, pathname, search, hash, target } = link;
    const address = addressWithin({ origin, pathname, search, hash, target, isDownload: link.hasAttribute('download') }, location);
    if (address === null) return;
    event.preventDefault();
    this.navigate(address);
  }
}

export const router = new Router();
