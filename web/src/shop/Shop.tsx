/** The frame of the shop and its addresses. */
import { lazy, Suspense, useEffect, useRef, type ReactNode } from 'react';
import { Link, Route, Routes, useLocation } from 'react-router';
import { useSpeech } from '../i18n/language';
import { useOnline } from '../lib/hooks';
import { Empty, LinkButton, Loading, Skeleton } from '../ui/parts';
import { Header } from './Header';
import { Home } from './Home';

const account = () => import('./account');
const SignInPage = lazy(async () => ({ default: (await account()).SignInPage }));
const SignUpPage = lazy(async () => ({ default: (await account()).SignUpPage }));
const VerifyPage = lazy(async () => ({ default: (await account()).VerifyPage }));
const ProductPage = lazy(() => import('./ProductPage'));
const MePage = lazy(() => import('./MePage'));
const OrdersPage = lazy(() => import('./OrdersPage'));
const OrderPage = lazy(() => import('./OrderPage'));

function NotFound(): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="page">
      <Empty page title="notFound.title" text="notFound.text">
        <LinkButton look="main" to="/">{t('notFound.home')}</LinkButton>
      </Empty>
    </div>
  );
}

function Waiting(): ReactNode {
  return <div className="page"><Loading><Skeleton className="line wide" /><Skeleton className="block" /></Loading></div>;
}

/** After a change of page the focus goes to the content, as it does when a browser loads one. */
function useFocusOnContent(): React.RefObject<HTMLElement | null> {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return main;
}

export function Shop(): ReactNode {
  const { t } = useSpeech();
  const main = useFocusOnContent();
  const online = useOnline();
  return (
    <>
      <a className="skip" href="#content">{t('nav.skip')}</a>
      <Header />
      {!online && <p className="offline" role="status">{t('error.offline')}</p>}
      <main id="content" tabIndex={-1} ref={main}>
        <Suspense fallback={<Waiting />}>
          <Routes>
            <Route path="/" element={<Home />} />
            <Route path="/shop" element={<Home />} />
            <Route path="/shop/products/:id" element={<ProductPage />} />
            <Route path="/shop/sign-in" element={<SignInPage />} />
            <Route path="/shop/sign-up" element={<SignUpPage />} />
            <Route path="/shop/verify" element={<VerifyPage />} />
            <Route path="/shop/me" element={<MePage />} />
            <Route path="/shop/orders" element={<OrdersPage />} />
            <Route path="/shop/orders/:id" element={<OrderPage />} />
            <Route path="*" element={<NotFound />} />
          </Routes>
        </Suspense>
      </main>
      <footer className="foot">
        <p>{t('foot.fair')}</p>
        <p><Link to="/">MARKET</Link> <a href="/docs">{t('nav.api')}</a> <a href="/admin">{t('nav.console')}</a></p>
      </footer>
    </>
  );
}
