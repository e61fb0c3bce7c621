// What the tests of the shop and of the console share: visitors, signing in, and axe.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { admin } from './api.mjs';
import { launch, listen, patience, phone, wide } from './browser.mjs';
import { adminAccount, Server } from './platform.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const seconds = (count) => ({ timeout: count * 1000 * patience });

/** A server with an empty store, a browser, and an administrator who lists products: what each file's tests share. */
export async function makeContext() {
  const folder = mkdtempSync(path.join(tmpdir(), 'market-browser-'));
  const market = await Server.start(['--data', path.join(folder, 'data'), '--set', 'ratelimit.enabled=false']);
  const browser = await launch();
  return {
    folder, market, browser, seller: await admin(market.url),
    async end() {
      await browser.close();
      await market.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A browser of its own: cookies and storage that no other test sees. */
export async function visitor({ browser }, { viewport = wide, language = 'en', scheme = 'light', before } = {}) {
  const context = await browser.newContext({
    viewport, locale: language === 'ko' ? 'ko-KR' : 'en-GB', colorScheme: scheme, timezoneId: 'Asia/Seoul',
    hasTouch: viewport === phone, bypassCSP: false,
  });
  context.setDefaultTimeout(10_000 * patience);
  if (before) await context.addInitScript(before);
  return { context, language, tab: async () => listen(await context.newPage()) };
}

/** No violation of WCAG 2.2 A and AA. axe runs in a world of its own, which the page's policy does not rule. */
export async function isAccessible(page) {
  await page.evaluate(() => Promise.all(document.getAnimations()
    .filter((each) => each.effect.getTiming().iterations === 1).map((each) => each.finished.catch(() => null))));
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send('Page.getFrameTree');
  const { executionContextId } = await client.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  const evaluate = (expression, awaitPromise = false) =>
    client.send('Runtime.evaluate', { expression, contextId: executionContextId, awaitPromise, returnByValue: true });
  await evaluate(axe);
  const { result } = await evaluate(`axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})
    .then((found) => JSON.stringify(found.violations.map((each) => each.id + ': ' + each.nodes.map((node) => node.html.slice(0, 150) + ' ' + node.failureSummary).join(' | '))))`, true);
  await client.detach();
  assert.deepEqual(JSON.parse(result.value), [], page.url());
}

const fields = { en: ['E-mail', 'Password'], ko: ['이메일', '비밀번호'] };

export async function signIn(page, url, account, language = 'en', to = '/') {
  const [email, password] = fields[language];
  await page.goto(`${url}/store/sign-in?to=${encodeURIComponent(to)}`);
  await page.getByLabel(email).fill(account.email);
  await page.getByLabel(password).fill(account.password);
  await page.locator('form button[type=submit]').click();
  await page.waitForURL(url + to);
}

/** Answers to this method are held back until the returned function is called; what they answer is done before. */
export async function holdsAnswers(page, address, method) {
  let release;
  const held = new Promise((done) => { release = done; });
  await page.route(address, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    const response = await route.fetch();
    await held;
    return route.fulfill({ response });
  });
  return async () => {
    const answered = page.waitForResponse((answer) => answer.request().method() === method);
    release();
    await answered;
    await page.waitForTimeout(500); // For what the page does with it.
    await page.unroute(address);
  };
}

/** An administrator at a page of the console. */
export async function operatorAt(context, to, more) {
  const who = await visitor(context, more);
  const page = await who.tab();
  await signIn(page, context.market.url, adminAccount, 'en', to);
  await page.locator('main h1').first().waitFor();
  return page;
}
