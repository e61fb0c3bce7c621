/**
 * Idempotency-Keys. Whoever presses again because no answer came means the same thing, and must send the same key:
 * `KeptKey` keeps it until the server has answered, or until it is another thing (`what`) that is sent.
 */
import { isRefusal } from './again';

/** A new one. `randomUUID` is only there over TLS and on localhost; random bytes are everywhere. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class KeptKey {
  private key: string | null = null;
  private what = '';

  async send<T>(work: (key: string) => Promise<T>, what = ''): Promise<T> {
    if (what !== this.what) this.key = null;
    this.what = what;
    this.key ??= newKey();
    try {
      const done = await work(this.key);
      this.key = null;
      return done;
    } catch (error) {
      // Refused: what is sent next is something else. Else the same key finds out whether it was done.
      if (isRefusal(error)) this.key = null;
      throw error;
    }
  }
}
