/** The store's counters once a second, and the last two minutes of what they did. */
import { useEffect, useRef, useState } from 'react';
import { ApiError, askText } from '../api/client';
import { session } from '../lib/session';
import { parseMetrics, Processes, type Point, type Sample } from './metrics';

export const pointsKept = 120;

export interface Metrics {
  samples: Sample[];
  points: Point[];
  away: boolean;
  /** This account may not read them. */
  denied: boolean;
}

/** As every question: an access token that has ended is renewed, and the board does not go blank in between. */
const read = async (signal: AbortSignal): Promise<Sample[]> =>
  parseMetrics((await askText('/admin/metrics', 'text/plain', { timeoutMs: 5000, signal })).text);

export function useMetrics(wanted: boolean): Metrics {
  const [metrics, setMetrics] = useState<Metrics>({ samples: [], points: [], away: false, denied: !wanted });
  const processes = useRef(new Processes());
  useEffect(() => {
    if (!wanted) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const turn = async (): Promise<void> => {
      try {
        if (session.get().state === 'out') throw new Error('signed out'); // Waits until somebody is back.
        const samples = await read(stop.signal);
        const point = processes.current.add({ at: Date.now(), samples });
        setMetrics((old) => ({ samples: processes.current.samples(), away: false, denied: false,
          points: point ? [...old.points, point].slice(-pointsKept) : old.points }));
      } catch (error) {
        if (stop.signal.aborted) return;
        const denied = error instanceof ApiError && error.status === 403;
        setMetrics((old) => ({ ...old, away: !denied, denied }));
      }
      timer = setTimeout(() => void turn(), 1000);
    };
    void turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [wanted]);
  return metrics;
}
