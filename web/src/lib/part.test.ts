import { expect, it } from 'vitest';
import { part, parts, type Around } from './part';

const settled = () => new Promise((done) => setTimeout(done, 0));
const around = (answers: boolean[], anew: boolean) => {
  const seen = { anew: 0, waits: 0 };
  const made: Around = {
    answers: () => Promise.resolve(answers.shift() ?? true),
    wait: () => { seen.waits += 1; return Promise.resolve(); },
    anew: () => { seen.anew += 1; return anew; },
  };
  return { seen, made };
};
const gone = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module'));

it('waits for the server where nothing answers, and stays on the page', async () => {
  const { seen, made } = around([false, false], true);
  let tries = 0;
  const told: string[] = [];
  const off = parts.subscribe(() => told.push(parts.get()));
  expect(await part(() => (tries++ < 2 ? gone() : Promise.resolve('page')), made)).toBe('page');
  off();
  expect(seen).toEqual({ anew: 0, waits: 2 });
  expect(told).toEqual(['coming', 'away', 'here']);
});

it('takes no break that has just ended for a deploy', async () => {
  const { seen, made } = around([true], true);
  let tries = 0;
  expect(await part(() => (tries++ < 1 ? gone() : Promise.resolve('page')), made)).toBe('page');
  expect(seen.anew).toBe(0);
});

it('loads the page anew, once, when the server has other files', async () => {
  const { seen, made } = around([true], true);
  let ended = false;
  void part(gone, made).finally(() => { ended = true; });
  await settled();
  expect(seen.anew).toBe(1);
  expect(ended).toBe(false); // The old page says nothing more.
});

it('gives up where loading anew has not helped', async () => {
  await expect(part(gone, around([true], false).made)).rejects.toThrow('dynamically imported');
  expect(parts.get()).toBe('here');
});
