/**
 * How the pages ask the API: one function, problems as errors, the session renewed once when it has run out.
 *
 * Two kinds of failure must never be mixed up. An `ApiError` is the server's own answer. An `UnknownOutcome` means
 * that nobody knows what happened (no answer, `unavailable`, or one that is not the shop's own): the caller asks again
 * with the same Idempotency-Key, and undoes nothing.
 */
import { language } from '../i18n/language';
import { fieldSentence, unsaidSentences } from '../lib/fields';
import { sampleDate } from '../lib/clock';
import type { Problem } from './types';

export class ApiError extends Error {
  constructor(readonly problem: Problem, readonly retryAfter: number | null) {
    super(problem.detail || problem.title);
  }
  /** What a buyer can be told, in the page's language. */
  get sentence(): string {
    return this.problem.message || this.message;
  }
  get code(): string {
    return this.problem.code;
  }
  get status(): number {
    return this.problem.status;
  }
  /**
   * Nobody of the shop has said this: a page of something in front of it, which knows nothing of what became of a try
   * before. Only what is too large for it has surely not reached the shop.
   */
  get strange(): boolean {
    return this.code === strangeCode(this.status) && this.status !== 413;
  }
  /** There is no such thing; any other refusal, and another server's page, says nothing about that. */
  get missing(): boolean {
    return this.status === 404 && !this.strange;
  }
  /** What is wrong with this member of the request, if that is what the problem says. */
  field(name: string): string | null {
    const found = this.problem.errors?.find((each) => each.field === name);
    return found ? fieldSentence(found, language.get()) : null;
  }
  /** What is wrong with everything else. */
  besides(shown: string[]): string[] {
    return unsaidSentences(this.problem.errors ?? [], shown, language.get());
  }
}

export class UnknownOutcome extends Error {
  constructor(readonly reason: 'unreachable' | 'unavailable' | 'busy', readonly retryAfter: number | null) {
    super(reason);
  }
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** Bytes as they are, with their media type, instead of `body`. */
  bytes?: { type: string; content: Blob };
  query?: Record<string, string | number | null | undefined>;
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Set for the calls that make or renew the session itself: a 401 is then their answer. */
  plain?: boolean;
  /** Set for the question whose cookies these are: it is asked for nobody in particular. */
  anybody?: boolean;
}

/** What session.ts knows and does. */
export interface SessionCare {
  /** Whom the page shows; null: nobody, as far as it knows. */
  user(): string | null;
  /** Answers whether there is a session now. */
  renew(anybody: boolean): Promise<boolean>;
  /** The cookies are not those of the user whom the page shows. */
  doubt(): void;
}
let session: SessionCare | null = null;
export function sessionsBy(care: SessionCare): void {
  session = care;
}

export function addressOf(path: string, query?: Ask['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return `/api/v1${path}${text ? `?${text}` : ''}`;
}

/** Of an answer that is none of ours: a proxy's page, whose status is all that it says. */
const strangeCode = (status: number): string => `http_${status}`;
function problemOf(text: string, status: number): Problem {
  try {
    const found = JSON.parse(text) as Problem;
    if (typeof found.code === 'string') return found;
  } catch {
    // It is none of ours.
  }
  return { type: 'about:blank', title: `HTTP ${status}`, status, detail: '', message: '', code: strangeCode(status), traceId: '' };
}

/**
 * Does `work` with a signal that ends as soon as one of these does, and listens to them no longer than that takes: some
 * live as long as a page. `AbortSignal.any` is younger than some browsers that these pages are built for.
 */
export async function untilOneEnds<T>(signals: AbortSignal[], work: (first: AbortSignal) => Promise<T>): Promise<T> {
  const first = new AbortController();
  for (const each of signals) {
    const end = (): void => first.abort(each.reason);
    if (each.aborted) end();
    else each.addEventListener('abort', end, { signal: first.signal });
  }
  try {
    return await work(first.signal);
  } finally {
    first.abort();
  }
}

interface Answer {
  status: number;
  text: string;
  headers: Headers;
}

async function send(path: string, ask: Ask, user: string | null): Promise<Answer> {
  const headers = new Headers({ Accept: 'application/json', 'Accept-Language': language.get(), ...ask.headers });
  let body: BodyInit | undefined;
  if (ask.bytes) {
    headers.set('Content-Type', ask.bytes.type);
    body = ask.bytes.content;
  } else if (ask.body !== undefined) {
    headers.set('Content-Type', 'application/json');
    body = JSON.stringify(ask.body);
  }
  if (ask.key) headers.set('Idempotency-Key', ask.key);
  if (user !== null) headers.set('Market-User', user);
  const limits = [AbortSignal.timeout(ask.timeoutMs ?? 15_000)];
  if (ask.signal) limits.push(ask.signal);
  const sentAt = performance.now();
  try {
    return await untilOneEnds(limits, async (signal) => {
      const answer = await fetch(addressOf(path, ask.query), {
        method: ask.method ?? 'GET', headers, body: body ?? null, credentials: 'same-origin', cache: 'no-store', signal,
      });
      sampleDate(answer.headers.get('Date'), sentAt, performance.now());
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    });
  } catch (error) { // Also when the connection broke in the middle of the answer.
    if (ask.signal?.aborted) throw error;
    throw new UnknownOutcome('unreachable', null);
  }
}

/** Whoever says this cannot know what the shop did: one who waited for it in vain, or one who broke. */
const isUnknown = (status: number, code: string): boolean =>
  (status >= 502 && status <= 504) || ((status >= 500 || status === 408) && code === strangeCode(status));

/** What the server said, when it did what was asked. */
async function answerOf(path: string, question: Ask): Promise<Answer> {
  // The cookies may be somebody else's before this page hears of it: the server compares, and nothing of this becomes
  // his. The page may hear of it while the session is renewed, so the second try is for whom the first one was.
  const user = question.plain || question.anybody ? null : (session?.user() ?? null);
  let answer = await send(path, question, user);
  if (answer.status === 401 && !question.plain && session) {
    const refused = problemOf(answer.text, 401);
    if (refused.code === 'unauthenticated' && (await session.renew(question.anybody ?? false))) {
      answer = await send(path, question, user);
      if (answer.status === 401 && user !== null) session.doubt();
    }
  }
  const { status, text, headers } = answer;
  if (status >= 200 && status <= 299) return answer;
  const retryAfter = Number(headers.get('Retry-After')) || null;
  const problem = problemOf(text, status);
  if (isUnknown(status, problem.code))
    throw new UnknownOutcome(problem.code === 'overloaded' ? 'busy' : 'unavailable', retryAfter);
  throw new ApiError(problem, retryAfter);
}

/** Something between here and the shop may answer in its place, with a page of its own or with nothing. */
function valueOf<T>({ status, text }: Answer): T {
  if (text === '' && (status === 204 || status === 202)) return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new UnknownOutcome('unreachable', null);
  }
}

export async function ask<T>(path: string, question: Ask = {}): Promise<T> {
  return valueOf<T>(await answerOf(path, question));
}

/** A list that is short enough to be shown whole, page by page. */
export async function all<Row>(path: string, signal: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = null; ;) {
    const page: { items: Row[]; nextCursor: string | null } = await ask(path, { query: { limit: 100, cursor }, signal });
    rows.push(...page.items);
    if (page.nextCursor === null) return rows;
    cursor = page.nextCursor;
  }
}

/** What is changed later by somebody who says which version he saw (If-Match). */
export interface Versioned<T> {
  value: T;
  etag: string;
}
export async function askVersioned<T>(path: string, question: Ask = {}): Promise<Versioned<T>> {
  const answer = await answerOf(path, question);
  return { value: valueOf<T>(answer), etag: answer.headers.get('ETag') ?? '*' };
}

/** An answer of another media type, with its head. One that has not that type is not the shop's own. */
export async function askText(path: string, type: string, question: Ask = {}): Promise<Answer> {
  const answer = await answerOf(path, { ...question, headers: { ...question.headers, Accept: type } });
  if (!answer.headers.get('Content-Type')?.startsWith(type)) throw new UnknownOutcome('unreachable', null);
  return answer;
}
