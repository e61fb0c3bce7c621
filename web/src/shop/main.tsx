import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { wearSaved } from '../lib/theme';
import { load } from '../lib/session';
import { productQuery } from '../lib/queries';
import { Providers, queries } from '../ui/Providers';
import { Shop } from './Shop';
import '../styles/font.css';
import '../styles/base.css';
import '../styles/shop.css';

wearSaved();
void load();
// Whoever comes for a drop waits for nothing twice: its page and its terms are asked for while the frame is built.
const drop = /^\/store\/products\/(\w+)$/.exec(location.pathname)?.[1];
if (drop) {
  import('./ProductPage').catch(() => undefined); // The frame asks again.
  void queries.prefetchQuery(productQuery(drop));
}
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Providers>
      <Shop />
    </Providers>
  </StrictMode>,
);
