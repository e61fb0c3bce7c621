import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveHub, type Surroundings, type Update } from './live';

const topic = (name: string) => ({ stream: `/${name}/stream`, poll: `/${name}` });

class FakeSource extends EventTarget {
  closed = false;
  constructor(readonly path: string) {
    super();
  }
  close(): void {
    this.closed = true;
  }
  says(name: string, value: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(value) }));
  }
  breaks(): void {
    this.dispatchEvent(new Event('error'));
  }
}

/** Tabs of one browser: what one says, all others hear; the first leads until it goes. */
class Tabs {
  sources: FakeSource[] = [];
  polled: string[] = [];
  answer: (path: string) => Promise<unknown> = (path) => Promise.resolve({ polled: path });
  private tabs = new Map<string, (message: never) => void>();
  private waiting: { tab: string; lead: () => void }[] = [];
  private leader: string | null = null;

  add(name: string): LiveHub {
    const around: Surroundings = {
      post: (message) => this.tabs.forEach((listener, tab) => tab !== name && this.tabs.has(name) && listener(message as never)),
      onMessage: (listener) => void this.tabs.set(name, listener as never),
      lead: () => new Promise((lead) => {
        this.waiting.push({ tab: name, lead });
        this.elect();
      }),
      tabs: () => Promise.resolve(new Set(this.tabs.keys())),
      open: (path) => {
        const source = new FakeSource(path);
        this.sources.push(source);
        return source as unknown as EventSource;
      },
      fetch: (path) => {
        this.polled.push(path);
        return this.answer(path);
      },
    };
    return new LiveHub(name, around);
  }
  close(name: string): void {
    this.tabs.delete(name);
    this.waiting = this.waiting.filter(({ tab }) => tab !== name);
    if (this.leader === name) {
      this.leader = null;
      this.elect();
    }
  }
  open(): FakeSource[] {
    return this.sources.filter((source) => !source.closed);
  }
  private elect(): void {
    const next = this.waiting[0];
    if (this.leader !== null || !next) return;
    this.leader = next.tab;
    this.waiting.shift();
    next.lead();
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());
const turn = () => vi.advanceTimersByTimeAsync(0);

describe('live values', () => {
  it('come from one stream for all tabs', async () => {
    const tabs = new Tabs();
    const seen: Update[][] = [[], [], []];
    const hubs = ['a', 'b', 'c'].map((name) => tabs.add(name));
    hubs.forEach((hub, index) => hub.watch(topic('p'), (update) => seen[index]!.push(update)));
    await turn();
    expect(tabs.open().map((source) => source.path)).toEqual(['/p/stream']);
    tabs.open()[0]!.says('stock', { remaining: 7 });
    for (const updates of seen) expect(updates.at(-1)).toEqual({ topic: '/p/stream', value: { remaining: 7 }, freshness: 'stream' });
  });

  it('are there at once for a tab that comes later', async () => {
    const tabs = new Tabs();
    tabs.add('a').watch(topic('p'), () => undefined);
    await turn();
    tabs.open()[0]!.says('stock', { remaining: 3 });
    const late = vi.fn();
    tabs.add('b').watch(topic('p'), late);
    expect(late).toHaveBeenCalledWith(expect.objectContaining({ value: { remaining: 3 } }));
  });

  it('never hold more than three connections', async () => {
    const tabs = new Tabs();
    const hub = tabs.add('a');
    await turn();
    for (let i = 0; i < 10; i += 1) hub.watch(topic(`p${i}`), () => undefined);
    await vi.advanceTimersByTimeAsync(100);
    expect(tabs.open()).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(3000);
    expect(new Set(tabs.polled).size).toBeGreaterThanOrEqual(7);
  });

  it('pass to another tab when the leader goes', async () => {
    const tabs = new Tabs();
    tabs.add('a').watch(topic('p'), () => undefined);
    const seen = vi.fn();
    tabs.add('b').watch(topic('p'), seen);
    await turn();
    tabs.open()[0]!.close();
    tabs.close('a');
    await turn();
    expect(tabs.open()).toHaveLength(1);
    tabs.open()[0]!.says('stock', 1);
    expect(seen).toHaveBeenLastCalledWith(expect.objectContaining({ value: 1, freshness: 'stream' }));
  });

  it('are asked for while the stream is broken, and say so when nobody answers', async () => {
    const tabs = new Tabs();
    const seen: Update[] = [];
    tabs.add('a').watch(topic('p'), (update) => seen.push(update));
    await turn();
    tabs.open()[0]!.says('stock', 5);
    tabs.answer = () => Promise.reject(new Error('away'));
    tabs.open()[0]!.breaks();
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.at(-1)).toMatchObject({ value: 5, freshness: 'away' });
    tabs.answer = () => Promise.resolve(4);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen.at(-1)).toMatchObject({ value: 4, freshness: 'poll' });
    expect(tabs.open()).toHaveLength(1);
  });

  it('come from the stream again after an outage, however long it was', async () => {
    const tabs = new Tabs();
    tabs.add('a').watch(topic('p'), () => undefined);
    await turn();
    tabs.open()[0]!.says('stock', 5);
    tabs.answer = () => Promise.reject(new Error('away'));
    tabs.open()[0]!.breaks();
    await vi.advanceTimersByTimeAsync(120_000);
    tabs.answer = () => Promise.resolve(4);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(tabs.open()).toHaveLength(1);
  });

  it('are asked for where streams are held back, which are tried again each minute', async () => {
    for (const held of [(source: FakeSource) => source.breaks(), () => undefined]) {
      const tabs = new Tabs();
      const seen: Update[] = [];
      tabs.add('a').watch(topic('p'), (update) => seen.push(update));
      const streamsFor = async (seconds: number): Promise<number> => {
        const before = tabs.sources.length;
        for (let i = 0; i < seconds; i += 1) {
          tabs.open().forEach(held);
          await vi.advanceTimersByTimeAsync(1000);
        }
        return tabs.sources.length - before;
      };
      await streamsFor(60);
      expect(tabs.sources).toHaveLength(5);
      expect(seen.at(-1)).toMatchObject({ freshness: 'poll' });
      expect(await streamsFor(300)).toBeGreaterThanOrEqual(3);
      expect(tabs.sources.length).toBeLessThanOrEqual(11);
      await streamsFor(70);
      while (tabs.open().length === 0) await vi.advanceTimersByTimeAsync(1000);
      tabs.open()[0]!.says('stock', 3);
      tabs.open()[0]!.breaks();
      await vi.advanceTimersByTimeAsync(1000);
      expect(tabs.open()).toHaveLength(1);
    }
  });

  it('end when nobody watches, or the tab is gone without a word', async () => {
    const tabs = new Tabs();
    const leader = tabs.add('a');
    await turn();
    const stop = leader.watch(topic('p'), () => undefined);
    tabs.add('b').watch(topic('q'), () => undefined);
    await turn();
    expect(tabs.open()).toHaveLength(2);
    stop();
    tabs.close('b');
    await leader.sweep();
    expect(tabs.open()).toHaveLength(0);
  });
});
