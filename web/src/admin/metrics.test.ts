import { describe, expect, it } from 'vitest';
import { byLabel, parseMetrics, pointBetween, quantileBetween, sumOf } from './metrics';

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
});
