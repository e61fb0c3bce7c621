/** After a change of page the focus goes to the content, as it does when a browser loads one. */
import { useEffect, useLayoutEffect, useRef, type RefObject } from 'react';
import { useLocation } from 'react-router';

export function useFocusOnContent(): RefObject<HTMLElement | null> {
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

/**
 * For a button that makes way for what its press led to: the focus, if it was there, goes to the nearest part of the page
 * around it that can have it (`tabIndex={-1}`), and not back to the page's beginning.
 */
export function useLeavesFocusAround<T extends HTMLElement>(): RefObject<T | null> {
  const button = useRef<T>(null);
  useLayoutEffect(() => {
    const node = button.current;
    if (!node) return undefined;
    const around: HTMLElement[] = [];
    for (let each = node.parentElement; each; each = each.parentElement) if (each.tabIndex === -1 && each.hasAttribute('tabindex')) around.push(each);
    return () => {
      if (document.activeElement !== node) return;
      queueMicrotask(() => { // When all of the change is there.
        for (const each of around) {
          if (document.activeElement !== document.body) return;
          each.focus({ preventScroll: true });
        }
      });
    };
  }, []);
  return button;
}
