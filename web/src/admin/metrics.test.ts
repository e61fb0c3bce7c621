import { describe, expect, it } from 'vitest';
import { byLabel, parseMetrics, pointBetween, Processes, quantileBetween, sumOf } from './metrics';

const bucket = (end: string, count: number): string =>
  `market_http_request_duration_seconds_bucket{route="POST /api/v1/orders",le="${end}"} ${count}`;

describe('metrics', () => {
  it('are read with their labels, escapes too', () => {
    const [one] = parseMetrics('# HELP x y\nx{a="q\\"u\\\\o\\nte",b=""} 1.5e3\n');
    expect(one).toEqual({ name: 'x', labels: { a: 'q"u\\o\nte', b: '' }, value: 1500 });
  });
  it('are summed and sorted by label', () => {
    const samples = parseMetrics('r{reason="a"} 2\nr{reason="b"} 5\nr{reason="c"} 0\ns 9');
    expect(sumOf(samples, 'r')).toBe(7);
    expect(byLabel(samples, 'r', 'reason')).toEqual([['b', 5], ['a', 2]]);
  });
  it('give rates, also over a restart', () => {
    const at = (ms: number, count: number) => ({ at: ms, samples: parseMetrics(`market_orders_accepted_total ${count}`) });
    expect(pointBetween(at(0, 100), at(2000, 500)).accepted).toBe(200);
    expect(pointBetween(at(0, 500), at(1000, 30)).accepted).toBe(30);
  });
  it('give the quantile of what happened between', () => {
    const before = parseMetrics([bucket('0.001', 10), bucket('0.01', 10), bucket('+Inf', 10)].join('\n'));
    const after = parseMetrics([bucket('0.001', 60), bucket('0.01', 110), bucket('+Inf', 110)].join('\n'));
    expect(quantileBetween(before, after, 0.5)).toBeCloseTo(0.001);
    expect(quantileBetween(before, after, 0.99)).toBeCloseTo(0.00982);
    expect(quantileBetween(after, after, 0.99)).toBeNull();
  });
  it('say who arrived, and why some were refused', () => {
    const at = (ms: number, accepted: number, late: number) => ({ at: ms, samples: parseMetrics(
      `market_orders_accepted_total ${accepted}\nmarket_orders_refused_total{reason="sold_out"} ${late}\nmarket_orders_refused_total{reason="x"} 7`) });
    expect(pointBetween(at(0, 0, 0), at(1000, 10, 30))).toMatchObject({ arrived: 40, accepted: 10, refused: 30, reasons: { sold_out: 30, x: 0 } });
  });
});

describe('processes that answer in turn', () => {
  const from = (start: number, at: number, accepted: number) => ({ at, samples: parseMetrics(
    `process_start_time_seconds ${start}\nmarket_orders_accepted_total ${accepted}`) });
  it('are told apart, and their rates added up', () => {
    const all = new Processes();
    expect(all.add(from(1, 0, 100))).toBeNull();
    expect(all.add(from(2, 1000, 0))).toBeNull();
    expect(all.add(from(1, 2000, 300))?.accepted).toBe(100);
    expect(all.add(from(2, 3000, 20))?.accepted).toBe(110);
    expect(sumOf(all.samples(), 'market_orders_accepted_total')).toBe(320);
  });
  it('are forgotten when they are gone', () => {
    const all = new Processes();
    all.add(from(1, 0, 100));
    all.add(from(1, 1000, 200));
    all.add(from(2, 12_000, 0));
    expect(all.add(from(2, 13_000, 5))?.accepted).toBe(5);
  });
});
