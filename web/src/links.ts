/** Which links the app follows itself, and what goes along with them. Pure. */

export interface Link {
  origin: string;
  pathname: string;
  search: string;
  hash: string;
  target: string;
  isDownload: boolean;
}

export type Place = Pick<Link, 'origin' | 'pathname' | 'search'>;

/**
 * The address within the app that a link leads to, or `null` when the link is the browser's: to elsewhere, to a
 * file, to the API, or to a place within the page that is shown, which takes the focus along.
 */
export function addressWithin(link: Link, here: Place): string | null {
  if (link.target !== '' || link.isDownload || link.origin !== here.origin) return null;
  if (link.pathname.startsWith('/api/')) return null;
  if (link.hash !== '' && link.pathname === here.pathname && link.search === here.search) return null;
  return link.pathname + link.search;
}

/** The parameter that names the time zone; it goes along to every page. */
export const ZONE_PARAMETER = 'tz';

/** The address with the zone in it, unless it names one itself. */
export function withZone(address: string, zone: string): string {
  const [path = '', query = ''] = address.split('?');
  const params = new URLSearchParams(query);
  if (zone === '' || params.has(ZONE_PARAMETER)) return address;
  params.set(ZONE_PARAMETER, zone);
  return `${path}?${params}`;
}
