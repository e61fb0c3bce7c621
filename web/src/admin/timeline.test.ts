import { describe, expect, it } from 'vitest';
import { durationOf, linesOf, refusalLines, soldOutAt } from './timeline';

const step = (second: number, units: number, givenBack = 0) => ({
  at: new Date(1_790_000_000_000 + second * 1000).toISOString(), orders: units, units, paid: 0, givenBack,
});

describe('the timeline of a report', () => {
  it('is empty when nobody has ordered', () => {
    expect(linesOf({ stepSeconds: 1, items: [] }).at).toEqual([]);
  });
  it('fills in the steps in which nothing happened', () => {
    const { at, units, held } = linesOf({ stepSeconds: 5, items: [step(0, 3), step(15, 2, 1)] });
    expect(at.map((each) => each - 1_790_000_000)).toEqual([-5, 0, 5, 10, 15, 20]);
    expect(units).toEqual([0, 3, 0, 0, 2, 0]);
    expect(held).toEqual([0, 3, 3, 3, 4, 4]);
  });
  it('says when it was sold out first, whatever came back later', () => {
    const lines = linesOf({ stepSeconds: 1, items: [step(0, 3), step(1, 2), step(5, 1, 1)] });
    expect(soldOutAt(lines, 5, 1)! - 1_790_000_000).toBe(2);
    expect(soldOutAt(lines, 6, 1)).toBeNull();
    expect(soldOutAt(linesOf({ stepSeconds: 1, items: [] }), 0, 1)).toBeNull();
  });
});

describe('the refusals of a report', () => {
  const at = (second: number): string => new Date(1_790_000_000_000 + second * 1000).toISOString();
  it('are lines of those that refused most, with nothing left out between', () => {
    const lines = refusalLines({
      stepSeconds: 2, reasons: { sold_out: 9, sale_not_open: 1, limit_exceeded: 4 },
      items: [{ at: at(0), reasons: { sale_not_open: 1 } }, { at: at(4), reasons: { sold_out: 9, limit_exceeded: 4 } }],
    }, 2);
    expect(lines.at.map((each) => each - 1_790_000_000)).toEqual([-2, 0, 2, 4, 6]);
    expect(lines.reasons).toEqual([
      { reason: 'sold_out', counts: [0, 0, 0, 9, 0] }, { reason: 'limit_exceeded', counts: [0, 0, 0, 4, 0] }]);
  });
  it('are none when nobody was refused', () => {
    expect(refusalLines({ stepSeconds: 1, reasons: {}, items: [] }, 4)).toEqual({ at: [], reasons: [] });
  });
});

it('says how long something took in the reader\'s language', () => {
  expect([0, 1000, 1450, 12_345, 120_000, 7_200_000].map((ms) => durationOf('en', ms))).toEqual(['0 s', '1 s', '1.4 s', '12 s', '2 min', '2 h']);
  expect([1000, 120_000, 7_200_000].map((ms) => durationOf('ko', ms))).toEqual(['1초', '2분', '2시간']);
});
