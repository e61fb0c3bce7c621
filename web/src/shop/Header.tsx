import { Menu } from '@base-ui/react/menu';
import type { ReactNode } from 'react';
import { Link, NavLink, useLocation, useNavigate } from 'react-router';
import { speak, useSpeech, type Language } from '../i18n/language';
import { press } from '../lib/press';
import { session, signOut } from '../lib/session';
import { useValue } from '../lib/store';
import { theme, wear, type Theme } from '../lib/theme';

export function Wordmark(): ReactNode {
  return (
    <Link to="/" className="wordmark" aria-label="MARKET">
      <svg viewBox="0 0 40 28" aria-hidden="true">
        <path className="paper" d="M0 0h40v8.500a5.500 5.500 0 0 0 0 11V28H0v-8.500a5.500 5.500 0 0 0 0-11z" />
        <path className="print" d="M10 20.500V7.500h4.200L20 15l5.800-7.500H30v13h-4.200V14L20 21.200 14.200 14v6.500z" />
      </svg>
      <span>MARKET</span>
    </Link>
  );
}

function Settings(): ReactNode {
  const { t, language } = useSpeech();
  const worn = useValue(theme);
  const languages: [Language, string][] = [['ko', '한국어'], ['en', 'English']];
  const themes: Theme[] = ['auto', 'light', 'dark'];
  return (
    <>
      <Menu.Group>
        <Menu.GroupLabel className="menu-label">{t('nav.language')}</Menu.GroupLabel>
        <Menu.RadioGroup value={language} onValueChange={(next: Language) => speak(next)}>
          {languages.map(([value, name]) => (
            <Menu.RadioItem key={value} value={value} className="menu-item" lang={value}>
              {name}<Menu.RadioItemIndicator className="tick">✓</Menu.RadioItemIndicator>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Group>
      <Menu.Group>
        <Menu.GroupLabel className="menu-label">{t('nav.theme')}</Menu.GroupLabel>
        <Menu.RadioGroup value={worn} onValueChange={(next: Theme) => wear(next)}>
          {themes.map((value) => (
            <Menu.RadioItem key={value} value={value} className="menu-item">
              {t(`nav.theme.${value}`)}<Menu.RadioItemIndicator className="tick">✓</Menu.RadioItemIndicator>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Group>
    </>
  );
}

export function Header(): ReactNode {
  const { t, language } = useSpeech();
  const who = useValue(session);
  const go = useNavigate();
  const { pathname } = useLocation();
  /** Away from what is only for whoever is signed in, where the page itself leads to its form. */
  const leave = async (): Promise<void> => {
    const place = (): string => location.pathname + location.search;
    const here = place();
    await signOut();
    if (place() === here || location.pathname === '/store/sign-in') await go('/');
  };
  return (
    <header className="head">
      <Wordmark />
      <nav aria-label={t('nav.main')}>
        <NavLink to="/" end>{t('nav.drops')}</NavLink>
        {who.state === 'in' && <NavLink to="/store/orders">{t('nav.orders')}</NavLink>}
        <NavLink to="/store/cart">{t('nav.cart')}</NavLink>
      </nav>
      <span className="head-space" />
      {who.state === 'out' && !pathname.startsWith('/store/sign') && (
        <Link className="button plain small" to={`/store/sign-in?to=${encodeURIComponent(pathname)}`}>{t('nav.signIn')}</Link>
      )}
      <button type="button" className="button quiet small" lang={language === 'ko' ? 'en' : 'ko'}
        onClick={() => speak(language === 'ko' ? 'en' : 'ko')}>
        {language === 'ko' ? 'English' : '한국어'}
      </button>
      <Menu.Root>
        <Menu.Trigger className="button quiet small account" aria-label={t('nav.account')}>
          {who.state === 'in' ? <span className="initial" aria-hidden="true">{[...who.user.name][0]}</span> : (
            <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
              <path d="M3 6h14M3 10h14M3 14h14" stroke="currentColor" strokeWidth="1.6" />
            </svg>
          )}
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={8} align="end" className="menu-place">
            <Menu.Popup className="menu">
              {who.state === 'in' ? (
                <>
                  <p className="menu-who"><b>{who.user.name}</b><br />{who.user.email}</p>
                  <Menu.Item className="menu-item" onClick={() => void go('/store/me')}>{t('nav.me')}</Menu.Item>
                  <Menu.Item className="menu-item" onClick={() => void go('/store/orders')}>{t('nav.orders')}</Menu.Item>
                  <Menu.Item className="menu-item" onClick={() => void go('/store/wishes')}>{t('nav.wishes')}</Menu.Item>
                  {who.user.role !== 'customer' && (
                    <Menu.Item className="menu-item" onClick={() => location.assign('/admin')}>{t('nav.console')}</Menu.Item>
                  )}
                  <Menu.Item className="menu-item" onClick={() => press(leave)}>{t('nav.signOut')}</Menu.Item>
                </>
              ) : (
                <>
                  <Menu.Item className="menu-item" onClick={() => void go('/store/sign-in')}>{t('nav.signIn')}</Menu.Item>
                  <Menu.Item className="menu-item" onClick={() => void go('/store/sign-up')}>{t('nav.signUp')}</Menu.Item>
                </>
              )}
              <Settings />
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
    </header>
  );
}
