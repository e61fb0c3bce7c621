/** The frame of the shop and its addresses. */
import { lazy, Suspense, type ReactNode } from 'react';
import { Link, Route, Routes } from 'react-router';
import { useSpeech } from '../i18n/language';
import { useFocusOnContent } from '../lib/focus';
import { useOnline } from '../lib/hooks';
import { part, parts } from '../lib/part';
import { useValue } from '../lib/store';
import { Empty, LinkButton, Loading, Skeleton } from '../ui/parts';
import { Header } from './Header';
import { Home } from './Home';

const account = () => part(() => import('./account'));
const SignInPage = lazy(async () => ({ default: (await account()).SignInPage }));
const SignUpPage = lazy(async () => ({ default: (await account()).SignUpPage }));
const VerifyPage = lazy(async () => ({ default: (await account()).VerifyPage }));
const ProductPage = lazy(() => part(() => import('./ProductPage')));
const MePage = lazy(() => part(() => import('./MePage')));
const CartPage = lazy(() => part(() => import('./CartPage')));
const WishesPage = lazy(() => part(() => import('./WishesPage')));
const ForgotPage = lazy(() => part(() => import('./ForgotPage')));
const OrdersPage = lazy(() => part(() => import('./OrdersPage')));
const OrderPage = lazy(() => part(() => import('./OrderPage')));

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

export function Shop(): ReactNode {
  const { t } = useSpeech();
  const main = useFocusOnContent();
  const online = useOnline();
  const coming = useValue(parts);
  return (
    <>
      <a className="skip" href="#content">{t('nav.skip')}</a>
      <Header />
      {!online && <p className="offline" role="status">{t('error.offline')}</p>}
      {coming === 'coming' && <p className="coming" role="status"><span className="unseen">{t('loading')}</span></p>}
      {coming === 'away' && <p className="offline" role="status">{t('error.text')}</p>}
      <main id="content" tabIndex={-1} ref={main}>
        <Suspense fallback={<Waiting />}>
          <Routes>
            <Route path="/" element={<Home />} />
            <Route path="/store" element={<Home />} />
            <Route path="/store/products/:id" element={<ProductPage />} />
            <Route path="/store/sign-in" element={<SignInPage />} />
            <Route path="/store/sign-up" element={<SignUpPage />} />
            <Route path="/store/forgot" element={<ForgotPage />} />
            <Route path="/store/cart" element={<CartPage />} />
            <Route path="/store/wishes" element={<WishesPage />} />
            <Route path="/store/verify" element={<VerifyPage />} />
            <Route path="/store/me" element={<MePage />} />
            <Route path="/store/orders" element={<OrdersPage />} />
            <Route path="/store/orders/:id" element={<OrderPage />} />
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
