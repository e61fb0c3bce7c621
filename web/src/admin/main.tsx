import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { load } from '../lib/session';
import { wearSaved } from '../lib/theme';
import { TellsDetails } from '../shop/account';
import { Providers } from '../ui/Providers';
import { Console } from './Console';
import '../styles/font.css';
import '../styles/base.css';
import '../styles/admin.css';

wearSaved();
void load();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Providers>
      <TellsDetails value={true}><Console /></TellsDetails>
    </Providers>
  </StrictMode>,
);
