import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { wearSaved } from '../lib/theme';
import { load } from '../lib/session';
import { Providers } from '../ui/Providers';
import { Shop } from './Shop';
import '../styles/font.css';
import '../styles/base.css';
import '../styles/shop.css';

wearSaved();
void load();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Providers>
      <Shop />
    </Providers>
  </StrictMode>,
);
