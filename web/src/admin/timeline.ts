/** A report's steps as lines of a chart: steps in which nothing happened are filled in. */
import type { SaleReport, SaleTimeline } from '../api/types';
import type { Language } from '../i18n/language';

export interface Lines {
  at: number[];
  units: number[];
  paid: number[];
  givenBack: number[];
  /** Units that are held, at the end of each step. */
  held: number[];
}

export function linesOf({ stepSeconds, items }: SaleTimeline): Lines {
  const lines: Lines = { at: [], units: [], paid: [], givenBack: [], held: [] };
  const add = (at: number, units: number, paid: number, givenBack: number): void => {
    lines.at.push(at);
    lines.units.push(units);
    lines.paid.push(paid);
    lines.givenBack.push(givenBack);
    lines.held.push((lines.held.at(-1) ?? 0) + units - givenBack);
  };
  const first = items[0];
  if (!first) return lines;
  add(Date.parse(first.at) / 1000 - stepSeconds, 0, 0, 0); // So that a sale of one second has a line too.
  for (const { at, units, paid, givenBack } of items) {
    const begin = Date.parse(at) / 1000;
    while (lines.at.at(-1)! + stepSeconds < begin - 0.5) add(lines.at.at(-1)! + stepSeconds, 0, 0, 0);
    add(begin, units, paid, givenBack);
  }
  add(lines.at.at(-1)! + stepSeconds, 0, 0, 0);
  return lines;
}

/** When all units were held for the first time, in seconds of the epoch, to the step; null: never. */
export function soldOutAt(lines: Lines, capacity: number, stepSeconds: number): number | null {
  const index = lines.held.findIndex((held) => held >= capacity && capacity > 0);
  return index < 0 ? null : lines.at[index]! + stepSeconds;
}

/** Refused orders by reason, those that refused most first; steps without any are 0. */
export function refusalLines({ stepSeconds, reasons, items }: SaleReport['refusals'], most: number):
  { at: number[]; reasons: { reason: string; counts: number[] }[] } {
  const top = Object.entries(reasons).sort((a, b) => b[1] - a[1]).slice(0, most).map(([reason]) => reason);
  const steps = new Map(items.map((item) => [Math.round(Date.parse(item.at) / 1000), item.reasons]));
  const at: number[] = [];
  const begins = [...steps.keys()];
  if (begins.length > 0)
    for (let begin = begins[0]! - stepSeconds; begin <= begins.at(-1)! + stepSeconds; begin += stepSeconds) at.push(begin);
  return { at, reasons: top.map((reason) => ({ reason, counts: at.map((begin) => steps.get(begin)?.[reason] ?? 0) })) };
}

const units = { en: [' s', ' min', ' h'], ko: ['초', '분', '시간'] } as const;
/** As long as one reads it: tenths below ten seconds, then whole seconds, minutes, hours. */
export function durationOf(language: Language, ms: number): string {
  const [second, minute, hour] = units[language];
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 && ms % 1000 !== 0 ? 1 : 0)}${second}`;
  return ms < 5_400_000 ? `${Math.round(ms / 60_000)}${minute}` : `${Math.round(ms / 3_600_000)}${hour}`;
}
