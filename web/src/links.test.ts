import { expect, it } from 'vitest';
import { addressWithin, withZone, type Link } from './links';

const HERE = { origin: 'http://shop', pathname: '/explore', search: '?q=a' };
const LINK: Link = { ...HERE, hash: '', target: '', isDownload: false };

it.each<[string, Partial<Link>, string | null]>([
  ['another page', { pathname: '/uploads', search: '' }, '/uploads'],
  ['the same page', {}, '/explore?q=a'],
  ['the skip link', { hash: '#content' }, null],
  ['a place on another page', { pathname: '/', search: '', hash: '#content' }, '/'],
  ['elsewhere', { origin: 'http://other' }, null],
  ['a new window', { target: '_blank' }, null],
  ['a download', { isDownload: true }, null],
  ['the API', { pathname: '/api/docs' }, null],
])('a link to %s', (_, link, expected) => expect(addressWithin({ ...LINK, ...link }, HERE)).toBe(expected));

it.each([
  ['/explore', '', '/explore'],
  ['/explore', 'UTC', '/explore?tz=UTC'],
  ['/?from=a', 'Europe/Paris', '/?from=a&tz=Europe%2FParis'],
  ['/?tz=UTC', 'Europe/Paris', '/?tz=UTC'],
])('%s takes the zone %s along', (address, zone, expected) => expect(withZone(address, zone)).toBe(expected));
