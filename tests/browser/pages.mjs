// Looks at our pages in the installed Chromium: the registry's dashboard and the API viewer.
//
//   MARKET_BINARY=build/release/market node tests/browser/pages.mjs [name…]
//   BROWSER_SHOTS=FOLDER keeps pictures
//
// Prints `N passed, N failed, N skipped`; without a browser every test is skipped.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { FakeInstance, Server, until } from './platform.mjs';

const { chromium } = await import('playwright-core').catch(() => ({}));
const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser']
  .find((candidate) => candidate && existsSync(candidate));
// No background traffic of the browser's own: the machine may have no network.
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update'];
const wide = { width: 1280, height: 800 };
const phone = { width: 360, height: 640 };

/** A page whose complaints are kept: console errors, exceptions, failed loads, violations of its policy. */
async function open(browser, url, viewport = wide) {
  const page = await browser.newPage({ viewport });
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('requestfailed', (request) => {
    const why = request.failure().errorText;  // Chromium calls the empty body of a 204 aborted.
    if (why !== 'net::ERR_ABORTED') page.complaints.push(`${request.url()}: ${why}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 400) page.complaints.push(`${answer.url()}: ${answer.status()}`);
  });
  await page.addInitScript(() => {
    window.madeAt = Math.random();  // Gone after a reload.
    document.addEventListener('securitypolicyviolation',
      (violation) => console.error(`policy: ${violation.violatedDirective} ${violation.blockedURI}`));
  });
  await page.goto(url);
  return page;
}

async function picture(page, name) {
  if (process.env.BROWSER_SHOTS)
    await page.screenshot({ path: path.join(process.env.BROWSER_SHOTS, `${name}.png`), fullPage: true });
}

function isQuiet(page) {
  assert.deepEqual(page.complaints, []);
}

const row = (page, id) => page.locator('#instances tr', { hasText: id });
const drainButton = (page, id) => page.getByRole('button', { name: `Drain: ${id}`, exact: true });

/** Presses Tab until this element has the focus, as somebody without a mouse does. */
async function tabTo(page, locator) {
  for (let i = 0; i < 40; i += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail('Tab does not reach it');
}

async function showsInstancesLive({ browser, registry, instances }) {
  const page = await open(browser, `${registry.url}/registry`);
  assert.match(await page.title(), /Registry/);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  for (const instance of instances) {
    await row(page, instance.id).waitFor();
    assert.match(await row(page, instance.id).innerText(), /UP/);
  }
  const third = new FakeInstance(registry, 'SHOP', 'shop-3');
  await third.register();
  await row(page, 'shop-3').waitFor({ timeout: 10_000 });
  await third.cancel();
  await row(page, 'shop-3').waitFor({ state: 'detached', timeout: 10_000 });
  await page.locator('#history tr', { hasText: 'shop-3' }).first().waitFor();
  await picture(page, 'instances');
  isQuiet(page);
  await page.close();
}

async function drainsByMouse({ browser, registry }) {
  const page = await open(browser, `${registry.url}/registry`);
  const madeAt = await page.evaluate(() => window.madeAt);
  await drainButton(page, 'shop-1').click();
  await row(page, 'shop-1').getByText('OUT_OF_SERVICE').waitFor();
  assert.match(await row(page, 'shop-2').innerText(), /UP/, 'the other one is left alone');
  await picture(page, 'drained');
  await page.getByRole('button', { name: 'Return to service: shop-1', exact: true }).click();
  await row(page, 'shop-1').getByText('UP', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => window.madeAt), madeAt, 'the page was loaded again');
  isQuiet(page);
  await page.close();
}

async function drainsByKeyboard({ browser, registry }) {
  const page = await open(browser, `${registry.url}/registry`);
  await drainButton(page, 'shop-2').waitFor();
  await tabTo(page, drainButton(page, 'shop-2'));
  await page.waitForTimeout(4_500);  // Two refreshes.
  assert.ok(await drainButton(page, 'shop-2').evaluate((element) => element === document.activeElement),
    'a refresh takes the focus away');
  await page.keyboard.press('Enter');
  await row(page, 'shop-2').getByText('OUT_OF_SERVICE').waitFor();
  const back = page.getByRole('button', { name: 'Return to service: shop-2', exact: true });
  await back.waitFor();
  assert.ok(await back.evaluate((element) => element === document.activeElement), 'the focus stays');
  await page.keyboard.press('Space');
  await row(page, 'shop-2').getByText('UP', { exact: true }).waitFor();
  isQuiet(page);
  await page.close();
}

async function saysWhyNobodyIsEvicted({ browser, registry, instances }) {
  const page = await open(browser, `${registry.url}/registry`);
  const banner = page.locator('#preservation');
  await banner.getByText(/^Not active/).waitFor();
  instances[0].silent = true;  // One of two is more than 15 %.
  try {
    await banner.getByText(/^Active: .*\d/).waitFor({ timeout: 20_000 });
    await row(page, instances[0].id).locator('.late').waitFor();
    await picture(page, 'self-preservation');
    assert.match(await banner.getAttribute('class'), /preserving/);
  } finally {
    instances[0].silent = false;
  }
  await banner.getByText(/^Not active/).waitFor({ timeout: 20_000 });
  isQuiet(page);
  await page.close();
}

async function isUsableOnAPhone({ browser, registry }) {
  const page = await open(browser, `${registry.url}/registry`, phone);
  await drainButton(page, 'shop-1').waitFor();
  await picture(page, 'phone');
  const needed = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(needed <= phone.width, `the page is ${needed} px wide`);
  await drainButton(page, 'shop-1').scrollIntoViewIfNeeded();
  const box = await drainButton(page, 'shop-1').boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= phone.width, 'the button is beside the screen');
  assert.ok(box.height >= 24, 'the button is too small for a finger');
  isQuiet(page);
  await page.close();
}

/** Ids that mean something in HTML, and others of any characters that an id may have. */
function hostileIds() {
  const special = [...'<>&"\'`=;{}()[]%#!-'];
  const any = () => {
    const code = 0xa1 + Math.floor(Math.random() * (0x1f9ff - 0xa1));
    const refused = (code >= 0xd800 && code <= 0xdfff) || (code & 0xfffe) === 0xfffe || (code >= 0x2000 && code <= 0x206f);
    return refused || code === 0x61c ? '?' : String.fromCodePoint(code);
  };
  const id = () => Array.from({ length: 12 },
    () => (Math.random() < 0.5 ? special[Math.floor(Math.random() * special.length)] : any())).join('');
  return ['<img src=x onerror=alert(1)>', '"><b>x', '&lt;b&gt;', 'javascript:alert(1)',
    ...Array.from({ length: 20 }, id)];
}

async function showsTextAsText({ browser, registry }) {
  const ids = hostileIds();
  const evil = ids.map((id) => new FakeInstance(registry, 'EVIL', id));
  for (const instance of evil) await instance.register();
  const page = await open(browser, `${registry.url}/registry`);
  await row(page, ids[0]).waitFor();
  const shown = await page.locator('#instances td[data-name="Instance"]').allTextContents();
  for (const id of ids) assert.ok(shown.includes(id), `${JSON.stringify(id)} is shown as something else`);
  const elements = await page.locator('#instances td *, #history td *').evaluateAll(
    (all) => all.map((each) => each.tagName));
  assert.ok(elements.every((name) => name === 'BUTTON'), elements.join());
  for (const instance of evil) await instance.cancel();
  isQuiet(page);
  await page.close();
}

async function tellsThatTheRegistryIsAway({ browser }) {
  const registry = await Server.start(['--role', 'registry']);
  const page = await open(browser, `${registry.url}/registry`);
  await page.getByText(/0 instances/).waitFor();
  isQuiet(page);
  await registry.stop();
  await page.getByText(/does not answer/).waitFor({ timeout: 10_000 });
  await page.close();
}

async function showsTheApi({ browser, market }) {
  const page = await open(browser, `${market.url}/docs`);
  assert.match(await page.title(), /API/);
  const order = page.locator('.opblock-post', { hasText: '/orders' }).first();
  await order.waitFor({ timeout: 20_000 });
  await order.locator('button').first().click();
  await page.locator('.opblock-body').first().waitFor();
  await picture(page, 'docs');
  // Again: the browser asks with If-None-Match, and what the 304 says holds for the page that it kept.
  for (const again of [() => page.goto(`${market.url}/docs`), () => page.reload()]) {
    await again();
    await page.locator('.opblock-post', { hasText: '/orders' }).first().waitFor({ timeout: 20_000 });
  }
  isQuiet(page);
  await page.setViewportSize(phone);
  const needed = await page.evaluate(() => document.documentElement.scrollWidth);
  await picture(page, 'docs-phone');
  assert.ok(needed <= phone.width, `the page is ${needed} px wide`);
  await page.close();
}

const tests = [showsInstancesLive, drainsByMouse, drainsByKeyboard, saysWhyNobodyIsEvicted, isUsableOnAPhone,
  showsTextAsText, tellsThatTheRegistryIsAway, showsTheApi];

async function main() {
  const names = process.argv.slice(2);
  const wanted = tests.filter((test) => names.length === 0 || names.includes(test.name));
  if (!browserPath || !chromium) {
    const missing = chromium ? 'Chromium (apt-get install chromium, or CHROMIUM=FILE)' : 'playwright-core (npm ci)';
    console.log(`skipped: there is no ${missing}`);
    console.log(`0 passed, 0 failed, ${wanted.length} skipped`);
    return 0;
  }
  const counts = { passed: 0, failed: 0 };
  const folder = mkdtempSync(path.join(tmpdir(), 'market-browser-'));
  const browser = await chromium.launch({ executablePath: browserPath, args: flags });
  const servers = [];
  const instances = [];
  try {
    const registry = await Server.start(['--role', 'registry', '--set', 'registry.eviction_interval=200ms']);
    servers.push(registry);
    const market = await Server.start(['--data', path.join(folder, 'data')]);
    servers.push(market);
    for (const id of ['shop-1', 'shop-2']) {
      const instance = new FakeInstance(registry, 'SHOP', id);
      await instance.register();
      instance.renewForEver();
      instances.push(instance);
    }
    await until(async () => (await registry.json('/registry/state')).instances.length === 2, 10);
    for (const test of wanted) {
      const began = Date.now();
      let word = 'passed';
      try {
        await test({ browser, registry, market, instances });
      } catch (reason) {
        word = 'failed';
        console.log(reason.stack);
      }
      counts[word] += 1;
      console.log(`${word}: ${test.name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    }
  } finally {
    for (const instance of instances) instance.end();
    await browser.close();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
  return counts.failed === 0 && wanted.length > 0 ? 0 : 1;
}

process.exitCode = await main();
