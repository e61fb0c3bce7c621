import { useSearchParams, type SetURLSearchParams } from 'react-router';
import { useIsHere } from './here';

/** What the address says, so that a filtered list can be sent to somebody; an empty value takes a name out of it. */
export function useAddress(): [URLSearchParams, (name: string, value: string) => void, SetURLSearchParams] {
  const [parameters, setParameters] = useSearchParams();
  const isHere = useIsHere();
  const set = (name: string, value: string): void => {
    if (!isHere()) return; // Typed a moment before the next page, whose address it is now.
    // The address itself: what the page shows may be older than a change of a moment ago.
    const changed = new URLSearchParams(location.search);
    if (value) changed.set(name, value);
    else changed.delete(name);
    setParameters(changed, { replace: true });
  };
  return [parameters, set, setParameters];
}
