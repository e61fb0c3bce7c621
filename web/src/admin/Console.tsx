/** The console's frame: who may be here, where one can go. */
import { useState, type ReactNode } from 'react';
import { NavLink, Route, Routes, useLocation } from 'react-router';
import type { User } from '../api/types';
import { speak } from '../i18n/language';
import { useFocusOnContent } from '../lib/focus';
import { useTitle } from '../lib/hooks';
import { press } from '../lib/press';
import { session, signOut } from '../lib/session';
import { useValue } from '../lib/store';
import { theme, wear } from '../lib/theme';
import { SignInAgain } from '../shop/ComeBack';
import { Button, Loading, Skeleton } from '../ui/parts';
import { Audit } from './Audit';
import { Board } from './Board';
import { Mails } from './Mails';
import { Orders } from './Orders';
import { Products } from './Products';
import { ProductForm } from './ProductForm';
import { Report } from './Report';
import { Services } from './Services';
import { Users } from './Users';
import { Webhooks } from './Webhooks';
import { useConsoleSpeech, type ConsoleWord } from './words';

/** Where one signs in, and comes back from to this very page. */
const signInPage = (): string => `/store/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`;

function Denied({ signedIn }: { signedIn: boolean }): ReactNode {
  const { t } = useConsoleSpeech();
  return (
    <main className="page denied">
      <div className="empty">
        <h1>{t(signedIn ? 'denied' : 'console')}</h1>
        <p>{t('denied.text')}</p>
        {signedIn && <Button onClick={() => press(signOut)}>{t('nav.signOut')}</Button>}
        <a className="button main" href={signInPage()}>{t('nav.signIn')}</a>
        <a href="/">{t('toShop')}</a>
      </div>
    </main>
  );
}

/** The session has ended in the middle: the page stays as it is, unseen, until the same person is back. */
function ComeBack({ user }: { user: User }): ReactNode {
  const { t } = useConsoleSpeech();
  return (
    <main className="page denied">
      <div className="empty">
        <h1>{t('lost')}</h1>
        <p>{t('lost.text', { email: user.email })}</p>
        <SignInAgain user={user} />
        <a href={signInPage()}>{t('lost.other')}</a>
      </div>
    </main>
  );
}

function Side({ name, admin }: { name: string; admin: boolean }): ReactNode {
  const { t, language } = useConsoleSpeech();
  const worn = useValue(theme);
  const dark = worn === 'dark' || (worn === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  return (
    <header className="side">
      <a className="brand" href="/"><b>MARKET</b> <span>{t('console')}</span></a>
      <nav aria-label={t('nav.main')}>
        <NavLink to="/admin" end>{t('nav.board')}</NavLink>
        <NavLink to="/admin/products">{t('nav.products')}</NavLink>
        <NavLink to="/admin/webhooks">{t('nav.hooks')}</NavLink>
        {admin && (
          <>
            <NavLink to="/admin/report">{t('nav.report')}</NavLink>
            <NavLink to="/admin/orders">{t('nav.orders')}</NavLink>
            <NavLink to="/admin/users">{t('nav.users')}</NavLink>
            <NavLink to="/admin/mails">{t('nav.mail')}</NavLink>
            <NavLink to="/admin/audit">{t('nav.audit')}</NavLink>
            <NavLink to="/admin/services">{t('nav.services')}</NavLink>
          </>
        )}
      </nav>
      <div className="side-foot">
        <p>{name}</p>
        <div>
          <Button look="quiet" className="small" lang={language === 'ko' ? 'en' : 'ko'} onClick={() => speak(language === 'ko' ? 'en' : 'ko')}>
            {language === 'ko' ? 'English' : '한국어'}
          </Button>
          <Button look="quiet" className="small" onClick={() => wear(dark ? 'light' : 'dark')}>{t(dark ? 'nav.theme.light' : 'nav.theme.dark')}</Button>
          <Button look="quiet" className="small" onClick={() => press(signOut)}>{t('nav.signOut')}</Button>
        </div>
      </div>
    </header>
  );
}

const titles: Record<string, ConsoleWord> = {
  '': 'nav.board', products: 'nav.products', report: 'nav.report', orders: 'nav.orders', users: 'nav.users', webhooks: 'nav.hooks',
  mails: 'nav.mail', audit: 'nav.audit', services: 'nav.services',
};

function Frame({ user, hidden }: { user: User; hidden: boolean }): ReactNode {
  const { t } = useConsoleSpeech();
  const main = useFocusOnContent();
  const admin = user.role === 'admin';
  return (
    <div className="console" hidden={hidden}>
      <a className="skip" href="#content">{t('nav.skip')}</a>
      <Side name={user.name} admin={admin} />
      <main id="content" tabIndex={-1} ref={main}>
        <Routes>
          <Route path="/admin" element={<Board admin={admin} />} />
          <Route path="/admin/products" element={<Products admin={admin} />} />
          <Route path="/admin/products/:id" element={<ProductForm />} />
          <Route path="/admin/webhooks" element={<Webhooks admin={admin} />} />
          {admin && (
            <>
              <Route path="/admin/report" element={<Report />} />
              <Route path="/admin/orders" element={<Orders />} />
              <Route path="/admin/users" element={<Users />} />
              <Route path="/admin/mails" element={<Mails />} />
              <Route path="/admin/audit" element={<Audit />} />
              <Route path="/admin/services" element={<Services />} />
            </>
          )}
          <Route path="*" element={<h1>{t('notFound.title')}</h1>} />
        </Routes>
      </main>
    </div>
  );
}

export function Console(): ReactNode {
  const { t } = useConsoleSpeech();
  const title = titles[useLocation().pathname.split('/')[2] ?? ''];
  useTitle(`${title ? `${t(title)} · ` : ''}${t('console')} · MARKET`);
  const who = useValue(session);
  const [last, setLast] = useState<User | null>(null);
  if (who.state === 'in' && who.user !== last) setLast(who.user);
  if (who.state === 'unknown') return <main className="page"><Loading><Skeleton className="line wide" /><Skeleton className="block" /></Loading></main>;
  const lost = who.state === 'out' && who.lost;
  const user = who.state === 'in' ? who.user : lost ? last : null;
  if (!user || user.role === 'customer') return <Denied signedIn={who.state === 'in'} />;
  return (
    <>
      {lost && <ComeBack user={user} />}
      <Frame key={user.id} user={user} hidden={lost} />
    </>
  );
}
