/** What surrounds both the shop and the console. */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Component, useEffect, type ReactNode } from 'react';
import { BrowserRouter } from 'react-router';
import { backoffMs, isPassing } from '../lib/again';
import { session } from '../lib/session';
import { useSpeech } from '../i18n/language';
import { FailedPress } from './FailedPress';
import { Button } from './parts';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: 'always', // What the browser calls offline may still reach this server.
      staleTime: 5000,
      retry: (_, error) => isPassing(error),
      retryDelay: (failures, error) => backoffMs(failures, isPassing(error) ? error.retryAfter : null),
    },
    mutations: { networkMode: 'always' },
  },
});

// Nothing that one person was told is shown to the next. Whoever is back after a lost session finds it as it was.
let shownTo: string | null = null;
session.subscribe(() => {
  const who = session.get();
  if (who.state !== 'in') return;
  if (shownTo !== null && shownTo !== who.user.id) void queries.resetQueries();
  shownTo = who.user.id;
});

function Broken(): ReactNode {
  const { t } = useSpeech();
  return (
    <main className="page">
      <div className="empty">
        <h1>{t('crash.title')}</h1>
        <p>{t('crash.text')}</p>
        <Button look="main" onClick={() => location.reload()}>{t('crash.reload')}</Button>
      </div>
    </main>
  );
}

class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }
  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function DocumentLanguage(): null {
  const { language } = useSpeech();
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return null;
}

export function Providers({ children }: { children: ReactNode }): ReactNode {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <DocumentLanguage />
        <Boundary>
          <BrowserRouter>{children}<FailedPress /></BrowserRouter>
        </Boundary>
      </QueryClientProvider>
    </CSPProvider>
  );
}
