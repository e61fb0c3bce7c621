/** What only somebody signed in sees; everybody else signs in first, and comes back. */
import { Fragment, type ReactNode } from 'react';
import { Navigate, useLocation } from 'react-router';
import type { User } from '../api/types';
import { session } from '../lib/session';
import { useValue } from '../lib/store';
import { Loading, Skeleton } from '../ui/parts';

export function Guard({ children }: { children: (user: User) => ReactNode }): ReactNode {
  const who = useValue(session);
  const { pathname, search } = useLocation();
  if (who.state === 'unknown')
    return <div className="page"><Loading><Skeleton className="line wide" /><Skeleton className="block" /></Loading></div>;
  if (who.state === 'out') return <Navigate to={`/store/sign-in?to=${encodeURIComponent(pathname + search)}`} replace />;
  // Somebody else signed in, in another tab: nothing that was typed or chosen here is his.
  return <Fragment key={who.user.id}>{children(who.user)}</Fragment>;
}
