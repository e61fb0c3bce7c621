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

export interface Point {
  at: number;
  accepted: number;
  refused: number;
  p50: number | null;
  p99: number | null;
}

/** Rates between two samplings; a server that started again counts from nothing. */
export function pointBetween(before: { at: number; samples: Sample[] }, after: { at: number; samples: Sample[] }): Point {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const rate = (name: string): number => {
    const now = sumOf(after.samples, name);
    const then = sumOf(before.samples, name);
    return (now >= then ? now - then : now) / seconds;
  };
  const ms = (value: number | null): number | null => (value === null ? null : value * 1000);
  return {
    at: after.at, accepted: rate('market_orders_accepted_total'), refused: rate('market_orders_refused_total'),
    p50: ms(quantileBetween(before.samples, after.samples, 0.5)), p99: ms(quantileBetween(before.samples, after.samples, 0.99)),
  };
}
