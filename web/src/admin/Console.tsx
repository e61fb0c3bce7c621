import type { ReactNode } from 'react';

export function Console(): ReactNode {
  return <main className="page"><h1>MARKET Console</h1></main>;
}
