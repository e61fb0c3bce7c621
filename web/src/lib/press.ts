/** Presses that have no place of their own to say what went wrong. */
import { Value } from './store';

/** What went wrong with the last one; null: nothing. */
export const failedPress = new Value<unknown>(null);

export function press(work: () => Promise<unknown>): void {
  failedPress.set(null);
  work().catch((error: unknown) => failedPress.set(error));
}
