/**
 * Parts of the pages that are loaded when they are needed. Their files may be out of reach for a moment, or gone: a
 * newer version of the shop has other names. So a part that does not come is asked for until the server answers; if
 * it is not there then either, the page is loaded anew, from where it now is, and gets the new names.
 */
import { backoffMs } from './again';
import { Value } from './store';

/** What is being loaded: nothing, something, or something that does not come. */
export const parts = new Value<'here' | 'coming' | 'away'>('here');

const name = 'market.loadedAnew';
/** So soon after loading anew it would be in vain again. */
const anewMsMin = 60_000;

export interface Around {
  answers(): Promise<boolean>;
  wait(ms: number): Promise<void>;
  /** Loads the page again; false: it did so a moment ago, or cannot know whether it did. */
  anew(): boolean;
}

const browser: Around = {
  answers: () => fetch(location.pathname, { method: 'HEAD', cache: 'no-store' }).then((answer) => answer.ok, () => false),
  wait: (ms) => new Promise((wake) => setTimeout(wake, ms)),
  anew: () => {
    try {
      if (Date.now() - Number(sessionStorage.getItem(name)) < anewMsMin) return false;
      sessionStorage.setItem(name, String(Date.now()));
    } catch {
      return false;
    }
    location.reload();
    return true;
  },
};

export async function part<T>(load: () => Promise<T>, around: Around = browser): Promise<T> {
  await undefined; // Pages are asked for while React renders, when nothing may change.
  parts.set('coming');
  try {
    for (let tries = 0; ; tries += 1)
      try {
        return await load();
      } catch (error) {
        if (await around.answers()) {
          const again = await load().catch(() => null); // The break may have ended between the two questions.
          if (again) return again;
          if (around.anew()) return await new Promise<T>(() => undefined);
          throw error;
        }
        parts.set('away');
        await around.wait(backoffMs(tries, null));
      }
  } finally {
    parts.set('here');
  }
}
