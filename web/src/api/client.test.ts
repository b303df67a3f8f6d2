import { afterEach, describe, expect, it, vi } from 'vitest';
import { send, whenSessionEnds } from './client';

interface Server {
  asked: string[];
  /** How often the session was said to have ended. */
  ended: () => number;
}

/** A server whose access token has ended; its refresh token may still be good. */
function server(canRefresh: boolean): Server {
  const asked: string[] = [];
  let hasToken = false;
  let ended = 0;
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    if (path === '/api/auth/refresh') hasToken = canRefresh;
    return Promise.resolve(new Response('{}', { status: hasToken ? 200 : 401 }));
  });
  whenSessionEnds(() => (ended += 1));
  return { asked, ended: () => ended };
}

afterEach(() => vi.unstubAllGlobals());

describe('an access token that has ended', () => {
  it.each(['/api/auth/me', '/api/logs/stats'])('is renewed once for %s', async (path) => {
    const { asked, ended } = server(true);
    expect((await send(path)).status).toBe(200);
    expect(asked).toEqual([path, '/api/auth/refresh', path]);
    expect(ended()).toBe(0);
  });

  it('that cannot be renewed ends the session', async () => {
    const { asked, ended } = server(false);
    expect((await send('/api/auth/me')).status).toBe(401);
    expect(asked).toEqual(['/api/auth/me', '/api/auth/refresh']);
    expect(ended()).toBe(1);
  });

  it.each(['/api/auth/login', '/api/auth/logout'])('is not what a 401 of %s speaks of', async (path) => {
    const { asked, ended } = server(true);
    expect((await send(path)).status).toBe(401);
    expect(asked).toEqual([path]);
    expect(ended()).toBe(0);
  });
});
