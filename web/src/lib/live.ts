/**
 * One event stream for all tabs. A browser opens six connections to a server of HTTP/1.1, in all its tabs together;
 * a stream holds one for as long as it lives, so ten tabs with a stream each would leave none to buy with. Therefore
 * the tabs elect a leader (a Web Lock: the browser hands it on when that tab goes), who opens at most `streams_max`
 * streams and asks for the rest now and then, and tells the others over a BroadcastChannel.
 *
 * Where the stream breaks, the leader polls until it is back. Who watches learns how fresh the values are. Streams that
 * bring nothing although the server answers are held back on the way, by a proxy: then they are tried once a minute.
 */
import { ApiError, ask } from '../api/client';
import { newKey } from './key';

export interface Topic {
  /** Path of the stream below /api/v1, which is also the topic's name. */
  stream: string;
  /** Path that answers the same value once. */
  poll: string;
}
/** `gone`: the server answers that there is no such thing (any more). */
export type Freshness = 'stream' | 'poll' | 'away' | 'gone';
export interface Update {
  topic: string;
  value: unknown;
  freshness: Freshness;
}
type Watcher = (update: Update) => void;

type Message =
  | { kind: 'want'; tab: string; topics: Topic[] }
  | { kind: 'who' }
  | { kind: 'update'; update: Update };

const streamsMax = 3;
const pollMs = 2000;
/** A stream brings its first event at once. */
const quietMsMax = 10_000;
/** So many streams in a row that brought nothing are enough. */
const quietMax = 5;
const quietPauseMs = 60_000;
const eventNames = ['stock', 'state', 'order'];
const leaderLock = 'market-live';
const tabLock = (tab: string): string => `market-live-tab-${tab}`;

/** Everything the hub needs from the browser, so that tests can be many tabs in one process. */
export interface Surroundings {
  post(message: Message): void;
  onMessage(listener: (message: Message) => void): void;
  /** Resolves when this tab leads; it does so until it is closed. */
  lead(): Promise<void>;
  /** Names of the tabs that are there. */
  tabs(): Promise<Set<string>>;
  open(path: string): EventSource;
  fetch(path: string): Promise<unknown>;
}

/** A topic as the leader keeps it. */
class Feed {
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Streams in a row that brought nothing. What fails while nobody answers says nothing about streams. */
  private quiet = 0;
  private streamAgainAt = 0;
  /** Polls in a row that were not answered. */
  private unanswered = 0;
  last: Update | null = null;

  constructor(
    readonly topic: Topic, private streaming: boolean, private readonly around: Surroundings,
    private readonly tell: (update: Update) => void,
  ) {
    this.begin();
  }

  stream(wanted: boolean): void {
    if (wanted === this.streaming) return;
    this.streaming = wanted;
    this.end();
    this.begin();
  }

  end(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private begin(): void {
    if (this.streaming) this.openStream();
    else this.poll(0);
  }

  private openStream(): void {
    const source = this.around.open(this.topic.stream);
    this.source = source;
    let isQuiet = true;
    const leave = (): void => {
      clearTimeout(this.timer);
      source.close();
      if (this.source !== source) return;
      this.source = null;
      if (isQuiet && (this.quiet += 1) >= quietMax) this.streamAgainAt = performance.now() + quietPauseMs;
      this.poll(Math.random() * 500);
    };
    this.timer = setTimeout(leave, quietMsMax);
    for (const name of eventNames)
      source.addEventListener(name, (event) => {
        isQuiet = false;
        this.quiet = 0;
        clearTimeout(this.timer);
        this.update(JSON.parse((event as MessageEvent<string>).data), 'stream');
      });
    // The browser would open it again by itself, at once and for ever; a server that starts must not be met by
    // everybody at the same moment.
    source.addEventListener('error', leave);
  }

  private poll(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.pollOnce(), afterMs);
  }

  private async pollOnce(): Promise<void> {
    let reached = true;
    try {
      this.update(await this.around.fetch(this.topic.poll), 'poll');
      this.unanswered = 0;
    } catch (error) {
      reached = false;
      this.unanswered += 1;
      this.quiet = 0;
      this.update(this.last?.value ?? null, error instanceof ApiError && error.missing ? 'gone' : 'away');
    }
    if (this.source) return;
    const heldBack = this.quiet >= quietMax && performance.now() < this.streamAgainAt;
    if (this.streaming && reached && !heldBack) this.openStream();
    else this.poll(Math.min(10_000, pollMs * (1 + this.unanswered / 2)) * (0.8 + Math.random() * 0.4));
  }

  private update(value: unknown, freshness: Freshness): void {
    this.last = { topic: this.topic.stream, value, freshness };
    this.tell(this.last);
  }
}

export class LiveHub {
  private readonly watchers = new Map<string, { topic: Topic; all: Set<Watcher> }>();
  private readonly wants = new Map<string, Topic[]>();
  private readonly feeds = new Map<string, Feed>();
  private readonly seen = new Map<string, Update>();
  private leading = false;

  constructor(private readonly tab: string, private readonly around: Surroundings) {
    around.onMessage((message) => this.receive(message));
    void around.lead().then(() => {
      this.leading = true;
      this.wants.set(this.tab, this.ownTopics());
      around.post({ kind: 'who' });
      this.arrange();
    });
  }

  watch(topic: Topic, watcher: Watcher): () => void {
    const entry = this.watchers.get(topic.stream) ?? { topic, all: new Set<Watcher>() };
    this.watchers.set(topic.stream, entry);
    entry.all.add(watcher);
    const known = this.seen.get(topic.stream);
    if (known) watcher(known);
    this.announce();
    return () => {
      entry.all.delete(watcher);
      if (entry.all.size > 0) return;
      this.watchers.delete(topic.stream);
      this.seen.delete(topic.stream);
      this.announce();
    };
  }

  /** The leader forgets tabs that are gone without a word. */
  async sweep(): Promise<void> {
    if (!this.leading) return;
    const there = await this.around.tabs();
    for (const tab of this.wants.keys()) if (tab !== this.tab && !there.has(tab)) this.wants.delete(tab);
    this.arrange();
  }

  private ownTopics(): Topic[] {
    return [...this.watchers.values()].map((entry) => entry.topic);
  }

  private announce(): void {
    const topics = this.ownTopics();
    if (this.leading) {
      this.wants.set(this.tab, topics);
      this.arrange();
    } else {
      this.around.post({ kind: 'want', tab: this.tab, topics });
    }
  }

  private receive(message: Message): void {
    if (message.kind === 'update') {
      this.deliver(message.update);
    } else if (message.kind === 'who') {
      this.around.post({ kind: 'want', tab: this.tab, topics: this.ownTopics() });
    } else if (this.leading) {
      // Deleted first: the tab that spoke last is the one that is looked at, and goes to the end.
      this.wants.delete(message.tab);
      this.wants.set(message.tab, message.topics);
      this.arrange();
      for (const topic of message.topics) {
        const last = this.feeds.get(topic.stream)?.last;
        if (last) this.around.post({ kind: 'update', update: last });
      }
    }
  }

  private deliver(update: Update): void {
    const entry = this.watchers.get(update.topic);
    if (!entry) return;
    this.seen.set(update.topic, update);
    entry.all.forEach((watcher) => watcher(update));
  }

  /** Opens what somebody wants, closes what nobody does; streams for those asked for last. */
  private arrange(): void {
    const wanted = new Map<string, Topic>();
    for (const topic of [...this.wants.values()].reverse().flat()) wanted.set(topic.stream, topic);
    const streamed = new Set([...wanted.keys()].slice(0, streamsMax));
    for (const [name, feed] of this.feeds)
      if (!wanted.has(name)) {
        feed.end();
        this.feeds.delete(name);
      }
    for (const [name, topic] of wanted) {
      const feed = this.feeds.get(name);
      if (feed) feed.stream(streamed.has(name));
      else
        this.feeds.set(name, new Feed(topic, streamed.has(name), this.around, (update) => {
          this.deliver(update);
          this.around.post({ kind: 'update', update });
        }));
    }
  }
}

/** The browser's own. Without locks or channels (very old ones) each tab leads itself. */
function browserSurroundings(tab: string): Surroundings {
  const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('market-live');
  const shared = channel !== null && 'locks' in navigator;
  const forever = new Promise<void>(() => undefined);
  if (shared) void navigator.locks.request(tabLock(tab), () => forever);
  return {
    post: (message) => channel?.postMessage(message),
    onMessage: (listener) => channel?.addEventListener('message', (event) => listener(event.data as Message)),
    lead: () => (shared
      ? new Promise((leads) => void navigator.locks.request(leaderLock, () => {
        leads();
        return forever;
      }))
      : Promise.resolve()),
    tabs: async () => {
      const held = shared ? ((await navigator.locks.query()).held ?? []) : [];
      const prefix = tabLock('');
      return new Set(held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : [])));
    },
    open: (path) => new EventSource(`/api/v1${path}`),
    fetch: (path) => ask(path),
  };
}

let hub: LiveHub | null = null;
export function liveHub(): LiveHub {
  if (!hub) {
    const tab = newKey();
    const made = new LiveHub(tab, browserSurroundings(tab));
    hub = made;
    setInterval(() => void made.sweep(), 5000);
  }
  return hub;
}
