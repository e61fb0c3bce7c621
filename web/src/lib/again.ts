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
