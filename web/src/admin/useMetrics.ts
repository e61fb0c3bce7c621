/** The store's counters once a second, and the last two minutes of what they did. */
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/client';
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

async function read(signal: AbortSignal): Promise<Sample[]> {
  const answer = await fetch('/api/v1/admin/metrics', { cache: 'no-store', signal });
  if (answer.status === 401 || answer.status === 403)
    throw new ApiError({ type: '', title: '', status: answer.status, detail: '', message: '', code: '', traceId: '' }, null);
  if (!answer.ok) throw new Error(String(answer.status));
  return parseMetrics(await answer.text());
}

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
        const samples = await read(AbortSignal.any([stop.signal, AbortSignal.timeout(5000)]));
        const point = processes.current.add({ at: Date.now(), samples });
        setMetrics((old) => ({ samples: processes.current.samples(), away: false, denied: false,
          points: point ? [...old.points, point].slice(-pointsKept) : old.points }));
      } catch (error) {
        if (stop.signal.aborted) return;
        const denied = error instanceof ApiError;
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
