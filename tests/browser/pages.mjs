// Looks at our pages in the installed Chromium: the registry's dashboard and the API viewer.
//
//   MARKET_BINARY=build/release/market node tests/browser/pages.mjs [name…]
//   BROWSER_SHOTS=FOLDER keeps pictures
//
// Prints `N passed, N failed, N skipped`; without a browser every test is skipped.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { fitsTheWidth, isQuiet, launch, open, phone, picture, run, tabTo } from './browser.mjs';
import { FakeInstance, Server, until } from './platform.mjs';

const row = (page, id) => page.locator('#instances tr', { hasText: id });
const drainButton = (page, id) => page.getByRole('button', { name: `Drain: ${id}`, exact: true });

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

async function returnsWhoCameOutOfService({ browser, registry }) {
  const idle = new FakeInstance(registry, 'SHOP', 'shop-idle');
  await idle.register('OUT_OF_SERVICE');
  const page = await open(browser, `${registry.url}/registry`);
  await row(page, 'shop-idle').getByText('OUT_OF_SERVICE').waitFor();
  await page.getByRole('button', { name: 'Return to service: shop-idle', exact: true }).click();
  await row(page, 'shop-idle').getByText('UP', { exact: true }).waitFor();
  await drainButton(page, 'shop-idle').waitFor();
  await idle.cancel();
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
  await fitsTheWidth(page);
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
  await picture(page, 'docs-phone');
  await fitsTheWidth(page);
  await page.close();
}

const tests = [showsInstancesLive, drainsByMouse, returnsWhoCameOutOfService, drainsByKeyboard,
  saysWhyNobodyIsEvicted, isUsableOnAPhone, showsTextAsText, tellsThatTheRegistryIsAway, showsTheApi];

async function makeContext() {
  const folder = mkdtempSync(path.join(tmpdir(), 'market-browser-'));
  const registry = await Server.start(['--role', 'registry', '--set', 'registry.eviction_interval=200ms']);
  const market = await Server.start(['--data', path.join(folder, 'data')]);
  const instances = [];
  for (const id of ['shop-1', 'shop-2']) {
    const instance = new FakeInstance(registry, 'SHOP', id);
    await instance.register();
    instance.renewForEver();
    instances.push(instance);
  }
  await until(async () => (await registry.json('/registry/state')).instances.length === 2, 10);
  const browser = await launch();
  return {
    browser, registry, market, instances,
    async end() {
      for (const instance of instances) instance.end();
      await browser.close();
      for (const server of [registry, market]) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

await run(tests, makeContext);
