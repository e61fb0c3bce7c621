/** Light, dark, or as the device has it. */
import { keep, kept, Value } from './store';

export type Theme = 'auto' | 'light' | 'dark';
const name = 'market.theme';

function saved(): Theme {
  const found = kept(name);
  return found === 'light' || found === 'dark' ? found : 'auto';
}

export const theme = new Value<Theme>('auto');

export function wear(next: Theme): void {
  keep(name, next === 'auto' ? null : next);
  if (next === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  theme.set(next);
}

export function wearSaved(): void {
  wear(saved());
}
