import { useSearchParams, type SetURLSearchParams } from 'react-router';

/** What the address says, so that a filtered list can be sent to somebody; an empty value takes a name out of it. */
export function useAddress(): [URLSearchParams, (name: string, value: string) => void, SetURLSearchParams] {
  const [parameters, setParameters] = useSearchParams();
  const set = (name: string, value: string): void => setParameters((before) => {
    const changed = new URLSearchParams(before);
    if (value) changed.set(name, value);
    else changed.delete(name);
    return changed;
  }, { replace: true });
  return [parameters, set, setParameters];
}
