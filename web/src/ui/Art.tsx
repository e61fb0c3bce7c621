/**
 * A product's picture; without one, a cover that is drawn from its id: the same product always has the same cover,
 * and a page of products without pictures still looks like a shop.
 */
import { useState, type ReactNode } from 'react';

const palettes = [
  ['#1f3bd8', '#ffcf33', '#f4f5f1', '#0b1030'],
  ['#0e5c46', '#f7b3c4', '#f4f5f1', '#06251c'],
  ['#d9432f', '#f5e6c8', '#1b1d1f', '#ffb199'],
  ['#22262b', '#9ee37d', '#f4f5f1', '#5b6570'],
  ['#7a4fe0', '#ffd9a8', '#f4f5f1', '#27104f'],
  ['#0a7fa6', '#ffe45c', '#f4f5f1', '#04303f'],
] as const;

export function hashOf(text: string): number {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  hash ^= hash >>> 15;
  return Math.imul(hash, 2246822519) >>> 0;
}

type Palette = (typeof palettes)[number];

function rings([, accent, light, deep]: Palette, turn: number): ReactNode {
  const cx = 60 + (turn % 5) * 70;
  return [190, 150, 110, 70, 30].map((radius, index) => (
    <circle key={radius} cx={cx} cy={230} r={radius} fill={[deep, accent, light, accent, deep][index]} />
  ));
}
function waves([, accent, light, deep]: Palette, turn: number): ReactNode {
  return Array.from({ length: 9 }, (_, index) => (
    <path key={index} fill="none" strokeWidth={index % 3 === 0 ? 20 : 7}
      stroke={[accent, light, deep][index % 3]}
      d={`M-20 ${60 + index * 42} C 90 ${index * 42 - (turn % 60)}, 250 ${150 + index * 42}, 420 ${40 + index * 42}`} />
  ));
}
function blocks([, accent, light, deep]: Palette, turn: number): ReactNode {
  return Array.from({ length: 16 }, (_, index) => {
    const kind = (turn >>> (index * 2)) & 3;
    const x = (index % 4) * 100;
    const y = Math.floor(index / 4) * 100;
    if (kind === 0) return <rect key={index} x={x - 0.5} y={y - 0.5} width={101} height={101} fill={accent} />;
    if (kind === 1) return <path key={index} d={`M${x} ${y} h100 a100 100 0 0 1 -100 100z`} fill={light} />;
    if (kind === 2) return <circle key={index} cx={x + 50} cy={y + 50} r={50} fill={deep} />;
    return <path key={index} d={`M${x} ${y + 100} L${x + 100} ${y} V${y + 100}z`} fill={accent} />;
  });
}
function sun([, accent, light, deep]: Palette, turn: number): ReactNode {
  const x = 120 + (turn % 4) * 50;
  return (
    <>
      <circle cx={x} cy={170} r={118} fill={accent} />
      {Array.from({ length: 8 }, (_, index) => (
        <rect key={index} x={-10} y={212 + index * 26} width={420} height={4 + index * 3}
          fill={index % 2 ? deep : light} />
      ))}
    </>
  );
}
const motifs = [rings, waves, blocks, sun];

export function Cover({ seed }: { seed: string }): ReactNode {
  const hash = hashOf(seed);
  const palette = palettes[hash % palettes.length]!;
  return (
    <svg className="cover" viewBox="0 0 400 400" preserveAspectRatio="xMidYMid slice" aria-hidden="true"
      shapeRendering="geometricPrecision">
      <rect width="400" height="400" fill={palette[0]} />
      {motifs[(hash >>> 8) % motifs.length]!(palette, hash >>> 3)}
    </svg>
  );
}

/** The widths that the server has copies of. */
const widths = [160, 320, 640, 1280];

/** `alt` is empty where the name stands beside it. `sizes`: how wide it is shown, as the attribute says it. */
export function Art({ product, eager = false, sizes = '(min-width: 60rem) 20rem, 50vw' }: {
  product: { id: string; name: string; imageUrl: string | null }; eager?: boolean; sizes?: string;
}): ReactNode {
  const [broken, setBroken] = useState(false);
  if (!product.imageUrl || broken) return <Cover seed={product.name} />;
  const copy = (width: number): string => `${product.imageUrl}&width=${width}`;
  return (
    <img className="cover" src={copy(640)} srcSet={widths.map((width) => `${copy(width)} ${width}w`).join(', ')} sizes={sizes}
      alt="" loading={eager ? 'eager' : 'lazy'} decoding="async" onError={() => setBroken(true)} />
  );
}
