/**
 * For a way on that comes behind an answer. Whoever has left the page meanwhile, or is about to (the next page may still
 * be loading), stays where he went, with what he has typed there.
 */
import { useEffect, useRef } from 'react';
import { useLocation } from 'react-router';

/** Tells whether whoever pressed something here is still here. */
export function useIsHere(): () => boolean {
  const { pathname } = useLocation();
  const here = useRef<string | null>(null);
  useEffect(() => {
    here.current = pathname;
    return () => { here.current = null; };
  }, [pathname]);
  return () => here.current === location.pathname;
}
