/** Who is logged in. */
import { get, post, whenSessionEnds } from './api/client';
import type { Role, User } from './api/types';
import { router } from './router.svelte';

const RANK: Record<Role, number> = { viewer: 0, analyst: 1, moderator: 2, admin: 3 };

class Session {
  user = $state.raw<User | null>(null);
  isKnown = $state(false);

  constructor() {
    whenSessionEnds(() => this.#end());
  }

  /** Asks the server who this browser is; nobody is no error. */
  async load(): Promise<void> {
    try {
      this.user = await get<User>('/api/auth/me');
    } catch {
      this.user = null;
    }
    this.isKnown = true;
  }

  async login(username: string, password: string): Promise<void> {
    const answer = await post<{ user: User }>('/api/auth/login', { username, password });
    this.user = answer.user;
  }

  async logout(): Promise<void> {
    await post('/api/auth/logout', {}).catch(() => undefined);
    this.user = null;
    router.navigate('/login');
  }

  may(role: Role): boolean {
    return this.user !== null && RANK[this.user.role] >= RANK[role];
  }

  /** Back to the login, and from there to where the user was. */
  #end(): void {
    // While nobody is known yet, the question who is logged in is itself what failed: the frame shows the login.
    if (!this.isKnown || (this.user === null && router.path === '/login')) return;
    this.user = null;
    if (router.path !== '/login') router.navigate(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
}

export const session = new Session();
