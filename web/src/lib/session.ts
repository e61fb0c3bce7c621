/**
 * Who is signed in. The tokens are in HttpOnly cookies that no script can read; what is kept here is only that there
 * is a session, so that a visitor who never signed in causes no refused requests.
 */
import { ApiError, ask, sessionsBy, UnknownOutcome } from '../api/client';
import type { User } from '../api/types';
import { isUnanswered } from './again';
import { keep, kept, Value } from './store';

export type SessionState =
  | { state: 'unknown' }
  /** `lost`: not by a press of this browser; the session has run out, or was ended elsewhere. */
  | { state: 'out'; lost: boolean }
  | { state: 'in'; user: User };

export const session = new Value<SessionState>({ state: 'unknown' });

const flag = 'market.session';
const cookie = { 'Market-Session': 'cookie' };
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('market-session');

/** The cookies are somebody else's than the page shows; whose, is being asked. */
let inDoubt = false;
let again: ReturnType<typeof setTimeout> | undefined;

function becomes(user: User | null, { tell = true, lost = false } = {}): void {
  inDoubt = false;
  keep(flag, user ? '1' : null);
  const before = session.get();
  if (user) session.set({ state: 'in', user });
  else if (before.state !== 'out' || (before.lost && !lost)) session.set({ state: 'out', lost });
  if (tell) channel?.postMessage(user ? 'in' : lost ? 'lost' : 'out');
}

channel?.addEventListener('message', (message) => {
  if (message.data === 'in') {
    keep(flag, '1'); // What the other tab stored may be seen here later than what it says.
    void load();
  } else becomes(null, { tell: false, lost: message.data === 'lost' });
});

/** The token that was sent works again for ten seconds, should the answer be lost: two tries fit into them. */
const renewMsMax = 4000;
const refresh = (): Promise<void> => ask('/sessions/refresh', { method: 'POST', headers: cookie, plain: true, timeoutMs: renewMsMax });

/** Only one tab renews at a time: the others wait, and then find the new cookies. */
async function renew(): Promise<boolean> {
  const attempt = async (): Promise<boolean> => {
    try {
      await refresh().catch((error: unknown) => {
        if (error instanceof UnknownOutcome && error.reason !== 'busy') return refresh();
        throw error;
      });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && !isUnanswered(error)) {
        becomes(null, { lost: true });
        return false;
      }
      throw error;
    }
  };
  return navigator.locks ? navigator.locks.request('market-renew', attempt) : attempt();
}

/** The id of who is signed in, as far as this page knows; null: nobody. */
export function signedIn(): string | null {
  const who = session.get();
  return who.state === 'in' ? who.user.id : null;
}

/** Whose page this is: while his session is lost, what it still sends is done for nobody else. */
let shown: string | null = null;
session.subscribe(() => {
  const who = session.get();
  if (who.state === 'in') shown = who.user.id;
  else if (who.state === 'out' && !who.lost) shown = null;
});

sessionsBy({
  user: () => shown,
  // A new token is no use to whoever is not its user.
  renew: (anybody) => (kept(flag) && (anybody || !inDoubt) ? renew() : Promise.resolve(false)),
  doubt: () => {
    if (inDoubt) return;
    inDoubt = true;
    void load();
  },
});

/** The shop says so; the 401 of something in front of it is about another account, or none. */
const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401 && !error.strange;

/** Asks who is signed in, if somebody may be. */
export async function load(): Promise<void> {
  clearTimeout(again);
  if (!kept(flag)) {
    session.set({ state: 'out', lost: false });
    return;
  }
  try {
    becomes(await ask<User>('/users/me', { anybody: true }), { tell: false });
  } catch (error) {
    clearTimeout(again);
    if (isSignedOut(error)) becomes(null, { lost: true });
    else again = setTimeout(() => void load(), 2000); // The server is away: what the page knows stays.
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  const answer = await ask<{ user: User }>('/sessions', {
    method: 'POST', body: { email, password }, headers: cookie, plain: true,
  });
  becomes(answer.user);
}

export async function signOut(everywhere = false): Promise<void> {
  try {
    await ask(everywhere ? '/sessions' : '/sessions/current', { method: 'DELETE' });
  } catch (error) {
    if (!isSignedOut(error)) throw error;
    if (session.get().state === 'in') return load(); // It is somebody else's session, and stays his.
  }
  becomes(null);
}

/** The account is no more. This page is left for good: its own parts would ask whoever is signed out to sign in. */
export function ended(): void {
  keep(flag, null);
  channel?.postMessage('out');
  location.replace('/');
}

export function changed(user: User): void {
  becomes(user);
}
