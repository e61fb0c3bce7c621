import { describe, expect, it } from 'vitest';
import { ServerClock } from './clock';

function world() {
  const time = { mono: 1000, wall: 5_000_000 };
  return { time, clock: new ServerClock(() => time.mono, () => time.wall) };
}

describe('the server\'s clock', () => {
  it('is the own one until the server has said something', () => {
    const { clock, time } = world();
    expect(clock.now()).toBe(time.wall);
    expect(clock.ownOffset()).toBeNull();
  });

  it('takes the middle of the round trip, and knows how far off the own clock is', () => {
    const { clock, time } = world();
    time.mono = 1200;
    clock.sample(9_000_000, 1000, 1200);
    expect(clock.now()).toBe(9_000_100);
    expect(clock.ownOffset()).toEqual({ ms: time.wall - 9_000_100, error: 100 });
  });

  it('keeps the sharper of two samples, and a newer one when the old has aged', () => {
    const { clock, time } = world();
    clock.sample(9_000_000, 1000, 1010);
    clock.sample(9_999_999, 1000, 3000);
    expect(clock.ownOffset()?.error).toBe(5);
    time.mono = 1000 + 3_600_000;
    clock.sample(1_000_000, time.mono, time.mono + 400);
    expect(clock.ownOffset()?.error).toBe(200);
  });

  it('does not follow the own clock when somebody sets it', () => {
    const { clock, time } = world();
    clock.sample(9_000_000, 1000, 1000);
    time.wall += 3_600_000;
    time.mono += 500;
    expect(clock.now()).toBe(9_000_500);
  });

  it('still knows after sleep how wrong the own clock is, and believes the first answer', () => {
    const { clock, time } = world();
    clock.sample(9_000_000, 1000, 1000);
    time.wall += 3_600_000; // The monotonic clock stood still.
    clock.forget();
    expect(clock.now()).toBe(9_000_000 + 3_600_000);
    expect(clock.ownOffset()).toBeNull();
    clock.sample(12_600_700, time.mono - 900, time.mono);
    expect(clock.now()).toBe(12_601_150);
  });

  it('overlooks nonsense', () => {
    const { clock } = world();
    clock.sample(Number.NaN, 1000, 1010);
    clock.sample(9_000_000, 1010, 1000);
    expect(clock.known).toBe(false);
  });
});
