import { useSearchParams, type SetURLSearchParams } from 'react-router';

/** What the address says, so that a filtered list can be sent to somebody; an empty value takes a name out of it. */
export function useAddress(): [URLSearchParams, (name: string, value: string) => void, SetURLSearchParams] {
  const [parameters, setParameters] = useSearchParams();
  const set = (name: string, value: string): void => {
    // The address itself: what the page shows may be older than a change of a moment ago.
    const changed = new URLSearchParams(location.search);
    if (value) changed.set(name, value);
    else changed.delete(name);
    setParameters(changed, { replace: true });
  };
  return [parameters, set, setParameters];
}
