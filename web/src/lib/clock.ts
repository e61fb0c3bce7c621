/**
 * The server's clock. A countdown must end when the server opens the sale, not when the buyer's own clock says so,
 * which may be minutes off; so every answer that tells a time is a sample, and the sharpest recent one counts.
 *
 * A sample's error is half the round trip, plus what the time was rounded to. It grows with its age, since clocks
 * drift (and computers sleep), so that a newer, slightly worse sample wins over an old one.
 */
const growthPerMs = 0.0005;

interface Sample {
  /** Server's milliseconds of the epoch minus performance.now(). */
  shift: number;
  error: number;
  takenAt: number;
}

export class ServerClock {
  private best: Sample | null = null;
  /** Server's milliseconds minus the own clock's, as the last sample said. */
  private aside = 0;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly monotonic: () => number, private readonly wall: () => number) {}

  /** `serverMs` was true somewhere between the two moments (of the monotonic clock), rounded down by `rounded`. */
  sample(serverMs: number, sentAt: number, receivedAt: number, rounded = 0): void {
    if (!Number.isFinite(serverMs) || receivedAt < sentAt) return;
    const error = (receivedAt - sentAt) / 2 + rounded / 2;
    const shift = serverMs + rounded / 2 - (sentAt + receivedAt) / 2;
    const now = this.monotonic();
    if (this.best && error > this.best.error + (now - this.best.takenAt) * growthPerMs) return;
    this.best = { shift, error, takenAt: now };
    this.aside = now + shift - this.wall();
    this.listeners.forEach((each) => each());
  }

  /** After sleep the monotonic clock may have stood still; the own clock went on, as wrong as it was. */
  forget(): void {
    this.best = null;
  }

  get known(): boolean {
    return this.best !== null;
  }
  /** The server's milliseconds of the epoch; the own clock's until there was a sample. */
  now(): number {
    return this.best ? this.monotonic() + this.best.shift : this.wall() + this.aside;
  }
  /** How far the own clock is ahead of the server's, in ms; and how sure that is. */
  ownOffset(): { ms: number; error: number } | null {
    if (!this.best) return null;
    return { ms: this.wall() - this.now(), error: this.best.error };
  }
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export const serverClock = new ServerClock(() => performance.now(), () => Date.now());

/** The Date field has whole seconds. */
export function sampleDate(date: string | null, sentAt: number, receivedAt: number): void {
  if (date) serverClock.sample(Date.parse(date), sentAt, receivedAt, 1000);
}

if (typeof document !== 'undefined')
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') serverClock.forget();
  });
