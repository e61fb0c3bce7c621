/** What surrounds both the shop and the console. */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Component, useEffect, type ReactNode } from 'react';
import { BrowserRouter } from 'react-router';
import { UnknownOutcome } from '../api/client';
import { useSpeech } from '../i18n/language';
import { FailedPress } from './FailedPress';
import { Button } from './parts';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: 'always', // What the browser calls offline may still reach this server.
      staleTime: 5000,
      retry: (failures, error) => error instanceof UnknownOutcome && failures < 30,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 5000),
    },
    mutations: { networkMode: 'always' },
  },
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
