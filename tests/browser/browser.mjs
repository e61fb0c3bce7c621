// A browser page that keeps every complaint, and what runs the tests of a file.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';

const { chromium } = await import('playwright-core').catch(() => ({}));
const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser']
  .find((candidate) => candidate && existsSync(candidate));
// No background traffic of the browser's own: the machine may have no network.
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update'];
export const patience = Number(process.env.MARKET_PATIENCE ?? 1);
export const wide = { width: 1280, height: 800 };
export const phone = { width: 360, height: 640 };
/** Nothing may need two directions to scroll in here (WCAG 1.4.10). */
export const narrow = { width: 320, height: 640 };

export const canBrowse = Boolean(chromium && browserPath);
export const launch = () => chromium.launch({ executablePath: browserPath, args: flags });

/**
 * Keeps the page's complaints: console errors, exceptions, failed loads, violations of its policy. What Chromium
 * itself writes about an answer is counted as the answer, so that a test can expect a refusal (`page.expected`).
 */
export async function listen(page) {
  page.complaints = [];
  page.expected = [];
  const complain = (text) => {
    if (!page.expected.some((pattern) => pattern.test(text))) page.complaints.push(text);
  };
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    if (/^Failed to load resource/.test(message.text())) return; // Said below, with its address.
    complain(message.text());
  });
  page.on('pageerror', (error) => complain(String(error)));
  page.on('requestfailed', (request) => {
    const why = request.failure().errorText;  // Chromium calls the empty body of a 204 aborted.
    if (why !== 'net::ERR_ABORTED') complain(`${request.url()}: ${why}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 400) complain(`${answer.status()} ${answer.url()}`);
  });
  await page.addInitScript(() => {
    window.madeAt = Math.random();  // Gone after a reload.
    document.addEventListener('securitypolicyviolation',
      (violation) => console.error(`policy: ${violation.violatedDirective} ${violation.blockedURI}`));
  });
  return page;
}

export async function open(browser, url, viewport = wide) {
  const page = await listen(await browser.newPage({ viewport }));
  await page.goto(url);
  return page;
}

export async function picture(page, name, options = { fullPage: true }) {
  if (process.env.BROWSER_SHOTS)
    await page.screenshot({ path: path.join(process.env.BROWSER_SHOTS, `${name}.png`), ...options });
}

export function isQuiet(page) {
  assert.deepEqual(page.complaints, []);
}

/** The page is no wider than the window, and nothing in it is squeezed until its letters stand below one another. */
export async function fitsTheWidth(page) {
  const squeezed = await page.evaluate(() => [...document.querySelectorAll('button, a, th, td, h1, h2, h3, label, p')]
    .filter((each) => {
      const { width, height } = each.getBoundingClientRect();
      return width > 1 && each.textContent.trim().length > 3 && width < 60 && height > width * 1.8;
    }).map((each) => each.outerHTML.slice(0, 150)));
  assert.deepEqual(squeezed, [], page.url());
  const { needed, there, who } = await page.evaluate(() => {
    const { scrollWidth: needed, clientWidth: there } = document.documentElement;
    const wide = [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > there + 1);
    return { needed, there, who: wide.slice(-3).map((each) => each.outerHTML.slice(0, 120)) };
  });
  assert.ok(needed <= there, `${page.url()} is ${needed} px wide on ${there}: ${who.join(' ')}`);
}

/** Presses Tab until this element has the focus, as somebody without a mouse does. */
export async function tabTo(page, locator, presses = 40) {
  for (let i = 0; i < presses; i += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail('Tab does not reach it');
}

/** Runs the wanted tests one after the other and prints `N passed, N failed, N skipped`. */
export async function run(tests, makeContext) {
  const names = process.argv.slice(2);
  const wanted = tests.filter((test) => names.length === 0 || names.includes(test.name));
  if (wanted.length === 0) throw new Error(`no test is called ${names.join(' or ')}`);
  if (!canBrowse) {
    console.log('skipped: no Chromium or no playwright-core (./dev setup installs both)');
    console.log(`0 passed, 0 failed, ${wanted.length} skipped`);
    return;
  }
  const context = await makeContext();
  let passed = 0;
  let failed = 0;
  for (const test of wanted) {
    const started = Date.now();
    try {
      await test(context);
      passed += 1;
      console.log(`ok ${test.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${test.name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n${error.stack}`);
    }
  }
  await context.end();
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
