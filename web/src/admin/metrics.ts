/** The server's Prometheus text, and what changed between two of them. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      labels[name!] = value!.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
    samples.push({ name: match[1]!, labels, value: match[3] === '+Inf' ? Infinity : Number(match[3]) });
  }
  return samples;
}

export function sumOf(samples: Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples.filter((each) => each.name === name
    && Object.entries(labels).every(([label, value]) => each.labels[label] === value))
    .reduce((sum, each) => sum + each.value, 0);
}

/** Each value of `label` with its number, greatest first. */
export function byLabel(samples: Sample[], name: string, label: string): [string, number][] {
  const sums = new Map<string, number>();
  for (const each of samples)
    if (each.name === name) sums.set(each.labels[label] ?? '', (sums.get(each.labels[label] ?? '') ?? 0) + each.value);
  return [...sums].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
}

const orderRoute = { route: 'POST /api/v1/orders' };

/** The quantile, in seconds, of what was observed between two samplings; null: nothing was. */
export function quantileBetween(before: Sample[], after: Sample[], quantile: number): number | null {
  const name = 'market_http_request_duration_seconds_bucket';
  const buckets = (samples: Sample[]): Map<number, number> => new Map(samples
    .filter((each) => each.name === name && each.labels.route === orderRoute.route)
    .map((each) => [each.labels.le === '+Inf' ? Infinity : Number(each.labels.le), each.value]));
  const old = buckets(before);
  const counts = [...buckets(after)].sort((a, b) => a[0] - b[0]).map(([end, count]) => [end, count - (old.get(end) ?? 0)] as const);
  const total = counts.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  const wanted = total * quantile;
  let [begin, below] = [0, 0];
  for (const [end, count] of counts) {
    if (count >= wanted) {
      if (end === Infinity) return begin;
      return count === below ? end : begin + ((end - begin) * (wanted - below)) / (count - below);
    }
    [begin, below] = [end, count];
  }
  return begin;
}

export interface Reading {
  at: number;
  samples: Sample[];
}
/** What happened in a second. */
export interface Point {
  at: number;
  arrived: number;
  accepted: number;
  refused: number;
  reasons: Record<string, number>;
  p50: number | null;
  p99: number | null;
}

/** Rates between two readings of one process; one that started again counts from nothing. */
export function pointBetween(before: Reading, after: Reading): Point {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const rate = (now: number, then: number): number => (now >= then ? now - then : now) / seconds;
  const total = (name: string): number => rate(sumOf(after.samples, name), sumOf(before.samples, name));
  const old = new Map(byLabel(before.samples, refusals, 'reason'));
  const reasons = Object.fromEntries(byLabel(after.samples, refusals, 'reason')
    .map(([reason, count]) => [reason, rate(count, old.get(reason) ?? 0)]));
  const ms = (value: number | null): number | null => (value === null ? null : value * 1000);
  const [accepted, refused] = [total('market_orders_accepted_total'), total(refusals)];
  return {
    at: after.at, arrived: accepted + refused, accepted, refused, reasons,
    p50: ms(quantileBetween(before.samples, after.samples, 0.5)), p99: ms(quantileBetween(before.samples, after.samples, 0.99)),
  };
}
export const refusals = 'market_orders_refused_total';

const startOf = (reading: Reading): number => sumOf(reading.samples, 'process_start_time_seconds');
const greatest = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

/** The processes that answer, one after the other, behind a gateway: their rates are added up. */
export class Processes {
  private readonly readings = new Map<number, { last: Reading; point: Point | null }>();

  /** Null: nothing can be said yet. */
  add(reading: Reading): Point | null {
    for (const [start, { last }] of this.readings) if (reading.at - last.at > 10_000) this.readings.delete(start);
    const start = startOf(reading);
    const before = this.readings.get(start);
    const point = before ? pointBetween(before.last, reading) : null;
    this.readings.set(start, { last: reading, point });
    const points = [...this.readings.values()].flatMap((each) => each.point ?? []);
    if (!point || points.length === 0) return null;
    return points.reduce((sum, each) => ({
      at: reading.at, arrived: sum.arrived + each.arrived, accepted: sum.accepted + each.accepted, refused: sum.refused + each.refused,
      reasons: Object.fromEntries([...new Set([...Object.keys(sum.reasons), ...Object.keys(each.reasons)])]
        .map((reason) => [reason, (sum.reasons[reason] ?? 0) + (each.reasons[reason] ?? 0)])),
      p50: greatest(sum.p50, each.p50), p99: greatest(sum.p99, each.p99),
    }));
  }

  /** What all of them have said last. */
  samples(): Sample[] {
    return [...this.readings.values()].flatMap((each) => each.last.samples);
  }
}
