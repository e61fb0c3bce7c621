/** A line chart that moves. The numbers are also in its label, for those who do not see it. */
import { useEffect, useRef, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from '../lib/theme';
import { useValue } from '../lib/store';
import { useConsoleSpeech } from './words';

export interface Line {
  label: string;
  /** Name of a custom property. */
  colour: string;
  fill?: boolean;
}

const colourOf = (name: string): string => {
  // light-dark() is resolved on an element, not on the property itself.
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

const two = (value: number): string => String(value).padStart(2, '0');

/** As short as the distance of the ticks allows. */
function tickTexts(ticks: number[], apart: number): string[] {
  return ticks.map((tick) => {
    const at = new Date(tick * 1000);
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
    if (apart < 60) return `${clock}:${two(at.getSeconds())}`;
    return apart < 86_400 ? clock : `${at.getMonth() + 1}/${at.getDate()}`;
  });
}

const shown = (value: number | null | undefined): string =>
  (value == null ? '–' : value >= 10 || Number.isInteger(value) ? Math.round(value).toLocaleString('en') : value.toFixed(1));

/** `1.5k` where an axis has no room for 1,500. */
const shortNumber = (value: number): string =>
  (value >= 1e6 ? `${value / 1e6}M` : value >= 1e4 ? `${value / 1e3}k` : String(value));

const sumOf = (values: (number | null)[] | undefined): number => (values ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** `empty`: said in its place while there is nothing to draw. `totals`: the legend has sums, not the newest values. */
export function Chart({ title, lines, data, height = 190, empty, totals = false }: {
  title: string; lines: Line[]; data: (number | null)[][]; height?: number; empty?: string; totals?: boolean;
}): ReactNode {
  const { t } = useConsoleSpeech();
  const nothing = lines.length === 0 || (data[0]?.length ?? 0) < 2;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const worn = useValue(theme);
  const names = lines.map((line) => line.label).join();
  useEffect(() => {
    const element = place.current!;
    const [ink, grid] = [colourOf('--muted'), colourOf('--line')];
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: '12px sans-serif' };
    const made = new uPlot({
      width: element.clientWidth, height, cursor: { show: false }, legend: { show: false }, pxAlign: false,
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
      axes: [{ ...axis, values: (_, ticks, __, ___, apart) => tickTexts(ticks, apart), space: 84, size: 28 },
        { ...axis, size: 52, space: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8, 1e9],
          values: (_, ticks) => ticks.map(shortNumber) }],
      series: [{}, ...lines.map((line) => {
        const colour = colourOf(line.colour);
        return { stroke: colour, width: 2, points: { show: false }, spanGaps: true, ...(line.fill && { fill: colour.replace(/rgb\((.*)\)/, 'rgba($1, 0.16)') }) };
      })],
    }, [[], ...lines.map(() => [])], element);
    plot.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
    // eslint-disable-next-line -- the lines are named by `names`
  }, [names, height, worn]);
  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData);
  }, [data, names, worn]);
  const values = lines.map((line, index) => ({ ...line, value: shown(totals ? sumOf(data[index + 1]) : data[index + 1]?.at(-1)) }));
  const why = empty ?? t('chart.wait');
  const said = nothing ? why : values.map((line) => `${line.label} ${line.value}`).join(', ');
  return (
    <figure className="chart">
      <figcaption>
        <h2>{title}</h2>
        <span className="legend" aria-hidden="true">
          {!nothing && values.map((line) => <span key={line.label}><i className={`key ${line.colour.slice(2)}`} />{line.label} <b>{line.value}</b></span>)}
        </span>
      </figcaption>
      <div ref={place} className={nothing ? 'plot nothing' : 'plot'} role="img" aria-label={`${title}: ${said}`} />
      {nothing && <p className="chart-empty muted" aria-hidden="true">{why}</p>}
    </figure>
  );
}
