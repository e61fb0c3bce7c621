/** When a question that got no answer is asked again, and which failures are no answer. */
import { ApiError, UnknownOutcome } from '../api/client';

export function backoffMs(tries: number, retryAfter: number | null, random = Math.random()): number {
  const asked = retryAfter ? retryAfter * 1000 : 0;
  const own = Math.min(8000, 300 * 2 ** Math.min(tries, 5));
  return Math.max(asked, own / 2) + (random * own) / 2;
}

/** Nobody answered, or only that it is too much now: the same question may get an answer later. */
export function isPassing(error: unknown): error is UnknownOutcome | ApiError {
  return error instanceof UnknownOutcome || (error instanceof ApiError && error.status === 429);
}

/** No word of the shop about what was asked: a page of something in front of it is none either. */
export const isUnanswered = (error: unknown): error is UnknownOutcome | ApiError =>
  isPassing(error) || (error instanceof ApiError && error.strange);

/**
 * The shop has decided: what was sent, in this try or one before it, was not done and will not be. Whoever is asked to
 * sign in first hears nothing about the tries before.
 */
export const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.status !== 401 && !isUnanswered(error);

/** After this long without an answer the buyer is sent to the orders, instead of one being made unasked. */
export const resumeMsMax = 10 * 60_000;

/** Resolves after `ms`, or at once when it is ended. */
function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((wake) => {
    const timer = setTimeout(wake, ended.aborted ? 0 : ms);
    ended.addEventListener('abort', () => { clearTimeout(timer); wake(); }, { once: true });
  });
}

const againMax = 20;

/**
 * Asks until there is an answer, or until nobody wants it any more. What was sent then may have been done all the same.
 * `unanswered` hears of each try that got none; what it throws is the end.
 */
export async function untilAnswered<T>(
  work: () => Promise<T>, ended: AbortSignal, unanswered: (why: UnknownOutcome | ApiError) => void = () => undefined,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    ended.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isUnanswered(error) || tries >= againMax) throw error;
      unanswered(error);
      await pause(backoffMs(tries, error.retryAfter), ended);
    }
  }
}

/** Whether the server does it; its refusal is a no. */
export const isDone = (work: () => Promise<unknown>): Promise<boolean> => work().then(() => true, (error: unknown) => {
  if (error instanceof ApiError && !isUnanswered(error)) return false;
  throw error;
});

/**
 * For what the server refuses when it is sent again: after a try whose answer was lost, such a refusal may mean that it
 * was done. Then `wasDone` finds that out.
 */
export class SentBefore {
  private what: string | null = null;

  async send(what: string, work: () => Promise<unknown>, wasDone: (refusal: ApiError) => boolean | Promise<boolean>): Promise<void> {
    try {
      await work();
      this.what = what;
    } catch (error) {
      if (isUnanswered(error)) this.what = what;
      if (!(error instanceof ApiError) || this.what !== what || !(await wasDone(error))) throw error;
    }
  }
}
