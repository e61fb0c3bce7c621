/** A line chart that moves. The numbers are also in its label, for those who do not see it. */
import { useEffect, useRef, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from '../lib/theme';
import { useValue } from '../lib/store';

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

export function Chart({ title, lines, data, height = 200 }: {
  title: string; lines: Line[]; data: (number | null)[][]; height?: number;
}): ReactNode {
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
      axes: [{ ...axis, values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toTimeString().slice(0, 8)), space: 90, size: 28 }, { ...axis, size: 56 }],
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
  const last = lines.map((line, index) => `${line.label} ${data[index + 1]?.at(-1)?.toFixed(0) ?? '–'}`).join(', ');
  return (
    <figure className="chart">
      <figcaption>
        <h2>{title}</h2>
        {lines.length > 1 && (
          <span className="legend">{lines.map((line) => <span key={line.label} className={`key ${line.colour.slice(2)}`}>{line.label}</span>)}</span>
        )}
      </figcaption>
      <div ref={place} role="img" aria-label={`${title}: ${last}`} />
    </figure>
  );
}
