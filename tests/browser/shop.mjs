// Buying in a real browser from the real server.
//
//   MARKET_BINARY=build/release/market node tests/browser/shop.mjs [name…]
//   BROWSER_SHOTS=FOLDER keeps pictures
import assert from 'node:assert/strict';
import path from 'node:path';

import { admin, buyer, password } from './api.mjs';
import { fitsTheWidth, isQuiet, narrow, patience, phone, picture, run, tabTo, wide } from './browser.mjs';
import { Server, until } from './platform.mjs';
import { png } from './png.mjs';
import { isAccessible, makeContext, seconds, signIn, visitor } from './visit.mjs';

const words = {
  en: {
    signInToBuy: 'Sign in to buy', buy: /^Buy now for/, payNow: 'Pay now', pay: /^Pay ₩/, paid: 'Paid', cancel: 'Cancel order',
    signUp: 'Create account', later: 'Later', got: 'You got no.', cancelled: 'Cancelled', refunded: /paid back/, email: 'E-mail',
    password: 'Password', name: 'Name', opens: /^Opens at/, orders: 'My orders', signIn: 'Sign in',
  },
  ko: {
    signInToBuy: '로그인하고 구매', buy: /지금 구매$/, payNow: '결제하기', pay: /결제하기$/, paid: '결제 완료', cancel: '주문 취소',
    signUp: /^(회원가입|가입하기)$/, later: '나중에', got: '번을 받았습니다', cancelled: '취소', refunded: /환불했습니다/, email: '이메일',
    password: '비밀번호', name: '이름', opens: /오픈$/, orders: '내 주문', signIn: '로그인',
  },
};
const button = (page) => page.locator('.buy-button');
const ticketNumber = (page) => page.locator('.ticket-number [aria-hidden=true]').innerText();

// --- the whole way, twice -----------------------------------------------------------------------------------

/** Narrower than any phone of today, as at 400 % on a desktop: nothing is cut, and the head's pictures have their size. */
async function reflows(page) {
  const before = page.viewportSize();
  await page.setViewportSize(narrow);
  await fitsTheWidth(page);
  const sizeOf = async (what) => {
    const { width, height } = await page.locator(what).boundingBox();
    return [Math.round(width), Math.round(height)];
  };
  assert.deepEqual(await sizeOf('.wordmark svg'), [34, 24], 'the logo');
  if (await page.locator('.initial').count() > 0) assert.deepEqual(await sizeOf('.initial'), [30, 30], 'the initial');
  await page.setViewportSize(before);
}

async function walk(context, language, viewport, scheme) {
  const { market, seller } = context;
  const say = words[language];
  const name = `${language}-${viewport === phone ? 'phone' : 'desktop'}`;
  const product = await seller.product({
    name: `${language === 'ko' ? '새벽 러너' : 'Aurora Runner'} ${viewport === phone ? '02' : '01'}`, stock: 40,
  });
  const who = await visitor(context, { viewport, language, scheme });
  const page = await who.tab();
  const look = async (what) => {
    await fitsTheWidth(page);
    await isAccessible(page);
    await picture(page, `shop-${what}-${name}`);
    if (viewport === phone) await reflows(page);
  };
  await page.goto(market.url);
  await page.getByRole('link', { name: product.name }).first().waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), language);
  await look('home');
  await page.locator('.card a', { hasText: product.name }).click();
  await page.getByRole('button', { name: say.signInToBuy }).waitFor();
  await page.locator('.fresh.stream').waitFor();
  await look('product');
  await page.getByRole('button', { name: say.signInToBuy }).click();
  await look('sign-in');
  await page.locator('main').getByRole('link', { name: say.signUp }).click();
  await page.getByLabel(say.name).fill('김하나');
  await page.getByLabel(say.email).fill(`walk-${name}-${Date.now()}@example.com`);
  await page.getByLabel(say.password).fill(password);
  await look('sign-up');
  await page.locator('form button[type=submit]').click();
  await page.getByRole('link', { name: say.later }).click();
  await page.getByRole('button', { name: say.buy }).click();
  await page.locator('.ticket').getByText(say.got).waitFor();
  assert.match(await ticketNumber(page), /1$/);
  await look('ticket');
  await page.getByRole('link', { name: say.payNow }).click();
  await page.getByRole('button', { name: say.pay }).waitFor();
  await look('pay');
  await page.getByLabel(/0002/).check();
  page.expected.push(/^402 /);
  await page.getByRole('button', { name: say.pay }).click();
  await page.locator('.notice.bad').waitFor();
  await page.getByLabel(/0001/).check();
  await page.getByRole('button', { name: say.pay }).click();
  await page.locator('.history').getByText(say.paid).waitFor();
  await page.locator('.notice.good').waitFor();
  await look('order');
  await page.goto(`${market.url}/store/orders`);
  await page.locator('.order-row').first().waitFor();
  await look('orders');
  await page.goto(`${market.url}/store/me`);
  await page.locator('.device').first().waitFor();
  await look('me');
  await page.goto(`${market.url}/store/orders`);
  await page.locator('.order-row a').first().click();
  await page.getByRole('button', { name: say.cancel }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: say.cancel }).waitFor();
  await isAccessible(page);
  await page.getByRole('alertdialog').getByRole('button', { name: say.cancel }).click();
  await page.locator('.history').getByText(say.cancelled).waitFor();
  await page.getByText(say.refunded).waitFor();
  isQuiet(page);
  await who.context.close();
}
const buysOnADesktopInEnglish = (context) => walk(context, 'en', wide, 'light');
const buysOnADesktopInKorean = (context) => walk(context, 'ko', wide, 'dark');
const buysOnAPhoneInEnglish = (context) => walk(context, 'en', phone, 'light');
const buysOnAPhoneInKorean = (context) => walk(context, 'ko', phone, 'dark');

// --- the opening --------------------------------------------------------------------------------------------

/** The reader's clock is five minutes ahead: the countdown is right all the same, and says so. */
async function opensByTheServersClock(context) {
  const { market, seller } = context;
  const opensAt = new Date(Date.now() + 6000 + 2000 * patience);
  const product = await seller.product({ sale: { opensAt: opensAt.toISOString(), perUserLimit: 1 } });
  const one = await buyer(market.url);
  const who = await visitor(context, {
    before: () => {
      const real = Date.now.bind(Date);
      Date.now = () => real() + 300_000;
    },
  });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByText(/yours is 300\.\d s ahead/).waitFor();
  const left = Math.ceil((opensAt - Date.now()) / 1000);
  const shown = Number((await page.locator('.countdown b').last().innerText()));
  assert.ok(Math.abs(shown - left) <= 1, `${shown} s are shown, ${left} s are left`);
  assert.ok(await button(page).isDisabled());
  await page.locator('.facts').getByText(/^Opens /).waitFor();
  await isAccessible(page);
  await picture(page, 'shop-countdown');
  await page.getByRole('button', { name: words.en.buy }).click(seconds(15));
  assert.ok(Date.now() >= opensAt, 'the button was there too early');
  await page.locator('.facts').getByText(/^Opened /).waitFor();
  assert.equal(await page.locator('.facts').getByText(/^Opens /).count(), 0);
  await page.locator('.ticket').getByText('You got no. 1').waitFor();
  isQuiet(page);
  await who.context.close();
}

async function twoRaceForTheLastOne(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'The last one', stock: 1 });
  const pages = [];
  // Neither request goes on before both buttons were pressed: whoever is sold out first must not end the other's press.
  let release;
  const both = new Promise((resolve) => { release = resolve; });
  let pressed = 0;
  for (let i = 0; i < 2; i += 1) {
    const who = await visitor(context, i === 0 ? {} : { viewport: phone, language: 'ko' });
    const page = await who.tab();
    page.expected.push(/^409 /);
    await page.route('**/api/v1/orders', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      pressed += 1;
      if (pressed === 2) release();
      await both;
      return route.fallback();
    });
    const one = await buyer(market.url);
    await signIn(page, market.url, one.account, who.language, `/store/products/${product.id}`);
    await page.getByRole('button', { name: words[who.language].buy }).waitFor();
    pages.push(page);
  }
  await Promise.all(pages.map((page) => button(page).click()));
  const outcome = (page) => Promise.race([
    page.locator('.ticket').waitFor().then(() => 'got'),
    page.getByText(/came after the last one|마지막 수량 다음에 도착/).waitFor().then(() => 'late'),
  ]);
  const outcomes = await Promise.all(pages.map(outcome));
  assert.deepEqual([...outcomes].sort(), ['got', 'late']);
  const late = pages[outcomes.indexOf('late')];
  await isAccessible(late);
  await picture(late, 'shop-sold-out');
  assert.ok(await button(late).isDisabled());
  // The unit comes back, and with it the button.
  const winner = pages[outcomes.indexOf('got')];
  await winner.locator('.ticket a').click();
  await winner.getByRole('button', { name: /^(Cancel order|주문 취소)$/ }).click();
  await winner.getByRole('alertdialog').getByRole('button', { name: /^(Cancel order|주문 취소)$/ }).click();
  await late.getByRole('button', { name: /^Buy now for|지금 구매$/ }).click(seconds(10));
  await late.locator('.ticket').waitFor();
  for (const page of pages) {
    isQuiet(page);
    await page.context().close();
  }
}

// --- one press, one order -----------------------------------------------------------------------------------

async function pressingTwiceIsOneOrder(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const first = await who.tab();
  await signIn(first, market.url, one.account, 'en', `/store/products/${product.id}`);
  await first.getByRole('button', { name: words.en.buy }).waitFor();
  await button(first).evaluate((element) => { element.click(); element.click(); element.click(); });
  await first.locator('.ticket').waitFor();
  const again = await who.tab();
  await again.goto(`${market.url}/store/products/${product.id}`);
  await again.locator('.ticket').getByText('You got no. 1').waitFor();
  assert.equal((await one.orders()).length, 1);
  isQuiet(first);
  isQuiet(again);
  await who.context.close();
}

/** The answer never arrives; the page is loaded again, a second tab is opened: it stays the same purchase. */
async function aLostAnswerIsAskedForAgain(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/ERR_/);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  const keys = new Set();
  let lost = 0;
  await who.context.route('**/api/v1/orders', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    keys.add(route.request().headers()['idempotency-key']);
    if (lost >= 3) return route.fallback();
    lost += 1;
    await route.fetch(); // It reaches the server...
    return route.abort('connectionreset'); // ...and the answer is lost.
  });
  await button(page).click();
  await page.getByText('Connection lost, trying again').waitFor();
  await isAccessible(page);
  await picture(page, 'shop-connection-lost');
  const second = await who.tab();
  second.expected.push(/ERR_/);
  await second.goto(`${market.url}/store/products/${product.id}`);
  await page.reload();
  await page.locator('.ticket').waitFor(seconds(20));
  await second.locator('.ticket').waitFor(seconds(20));
  assert.equal(keys.size, 1, 'another key was sent');
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

async function aSlowAnswerIsCalledSlow(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.route('**/api/v1/orders', async (route) => {
    await new Promise((wake) => { setTimeout(wake, 4000); });
    return route.fallback();
  });
  await button(page).click();
  await page.getByText('Getting your place').waitFor();
  await button(page).click({ force: true });
  await page.getByText('Still asking').waitFor();
  await page.locator('.ticket').waitFor();
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

/** kill -9 while a purchase is under way, and a start on the same data. */
async function aKilledServerLosesNoPurchase(context) {
  const folder = path.join(context.folder, 'killed');
  const options = ['--data', folder, '--set', 'ratelimit.enabled=false'];
  let market = await Server.start(options);
  try {
    const seller = await admin(market.url);
    const product = await seller.product();
    const one = await buyer(market.url);
    const who = await visitor(context);
    const page = await who.tab();
    page.expected.push(/ERR_/);
    await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
    await page.getByRole('button', { name: words.en.buy }).waitFor();
    await Promise.all([market.kill(), button(page).click()]);
    await page.getByText('Connection lost, trying again').waitFor();
    await page.getByText('Connection lost, these are the last numbers').waitFor(seconds(15));
    market = await Server.start(options, market.address);
    await page.locator('.ticket').waitFor(seconds(30));
    assert.equal((await (await one.signIn()).orders()).length, 1);
    await page.getByRole('link', { name: 'Pay now' }).click();
    await page.getByRole('button', { name: words.en.pay }).click();
    await page.locator('.history').getByText('Paid').waitFor();
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

// --- many tabs ----------------------------------------------------------------------------------------------

async function tenTabsShareOneStream(context) {
  const { market, seller } = context;
  const product = await seller.product({ stock: 50 });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const streams = new Set();
  who.context.on('request', (request) => { if (request.resourceType() === 'eventsource') streams.add(request); });
  for (const over of ['requestfinished', 'requestfailed'])
    who.context.on(over, (request) => streams.delete(request));
  const tabs = [];
  for (let i = 0; i < 10; i += 1) {
    const tab = await who.tab();
    if (i === 0) await signIn(tab, market.url, one.account, 'en', `/store/products/${product.id}`);
    else await tab.goto(`${market.url}/store/products/${product.id}`);
    tabs.push(tab);
  }
  for (const tab of tabs) await tab.locator('.fresh.stream').waitFor();
  assert.equal(streams.size, 1);
  const other = await buyer(market.url);
  await other.buy(product, 2);
  for (const tab of tabs) await tab.locator('.stock-text b', { hasText: /^48$/ }).waitFor();
  // The leader goes: another tab takes over.
  await tabs[0].close();
  await (await buyer(market.url)).buy(product);
  for (const tab of tabs.slice(1)) await tab.locator('.stock-text b', { hasText: /^47$/ }).waitFor();
  await button(tabs[9]).click();
  for (const tab of tabs.slice(1)) await tab.locator('.ticket').waitFor();
  tabs.slice(1).forEach(isQuiet);
  await who.context.close();
}

// --- the rest -----------------------------------------------------------------------------------------------

async function buysByKeyboardAlone(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'By keyboard' });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/store/products/${product.id}`);
  await page.getByRole('button', { name: 'Sign in to buy' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await tabTo(page, button(page));
  await page.keyboard.press('Enter');
  await page.getByLabel('E-mail').waitFor();
  await page.keyboard.type(one.account.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(one.account.password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: words.en.buy }).waitFor();
  await tabTo(page, button(page));
  await page.keyboard.press('Space');
  await page.locator('.ticket').waitFor();
  await tabTo(page, page.getByRole('link', { name: 'Pay now' }));
  isQuiet(page);
  await who.context.close();
}

/** The session ends in the middle of a purchase: the page says so, and after signing in the same request goes on. */
async function goesOnAfterSigningInAgain(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^401 /);
  await signIn(page, market.url, one.account, 'en', `/store/products/${product.id}`);
  await page.getByRole('button', { name: words.en.buy }).waitFor();
  await one.send('DELETE', '/sessions');
  await until(async () => (await fetch(`${market.url}/api/v1/users/me`, { headers: { Authorization: `Bearer ${one.token}` } })).status === 401, 10);
  const keys = [];
  page.on('request', (request) => { if (request.url().endsWith('/orders')) keys.push(request.headers()['idempotency-key']); });
  await button(page).click();
  await page.getByText('Your session ended in the middle.').waitFor();
  await isAccessible(page);
  await picture(page, 'shop-signed-out');
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(one.account.password);
  await page.locator('form button[type=submit]').click();
  await page.locator('.ticket').waitFor();
  assert.equal(new Set(keys).size, 1);
  assert.equal((await (await one.signIn()).orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

/** A pause is no end: the page says so at once, in the reader's language, and goes on by itself. */
async function saysThatASaleIsPaused(context) {
  const { market, seller } = context;
  const ends = new Date(Date.now() + 3_600_000).toISOString();
  const product = await seller.product({ sale: { opensAt: new Date(Date.now() - 1000).toISOString(), closesAt: ends, perUserLimit: 2 } });
  const one = await buyer(market.url);
  const who = await visitor(context, { language: 'ko' });
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'ko', `/store/products/${product.id}`);
  await page.getByRole('button', { name: words.ko.buy }).waitFor();
  await page.locator('.fresh.stream').waitFor();
  for (const fact of [/에 오픈했습니다$/, /까지$/]) await page.locator('.facts').getByText(fact).waitFor();
  await seller.send('POST', `/admin/products/${product.id}/sale/pause`);
  await page.getByRole('button', { name: '판매가 잠시 멈췄습니다' }).waitFor(seconds(5));
  assert.ok(await button(page).isDisabled());
  await page.locator('.pill.paused').waitFor();
  await isAccessible(page);
  await picture(page, 'shop-paused');
  await seller.send('POST', `/admin/products/${product.id}/sale/extend`, { closesAt: ends });
  await page.getByRole('button', { name: words.ko.buy }).waitFor(seconds(5));
  await seller.send('PATCH', `/products/${product.id}`, { sale: { opensAt: product.sale.opensAt, closesAt: new Date().toISOString() } });
  await page.locator('.pill.closed').waitFor(seconds(10));
  await page.locator('.facts').getByText(/에 끝났습니다$/).waitFor(seconds(35)); // The page reads the product anew.
  isQuiet(page);
  await who.context.close();
}

/** Where the shop has no words of its own for a refusal, it says the server's sentence for buyers, in the page's language. */
async function saysTheServersSentence(context) {
  const { market, seller } = context;
  const product = await seller.product();
  const one = await buyer(market.url);
  for (const [language, sentence] of [['ko', '이미 처리된 요청입니다'], ['en', 'This request was made before']]) {
    const who = await visitor(context, { language });
    const page = await who.tab();
    page.expected.push(/^422 /);
    await signIn(page, market.url, one.account, language, `/store/products/${product.id}`);
    // A real refusal that the shop cannot lead to by itself: the key of another purchase.
    const used = `used-${language}-${Date.now()}`;
    await one.send('POST', '/orders', { items: [{ productId: product.id, quantity: 1 }] }, { 'Idempotency-Key': used });
    const order = (await one.orders())[0];
    await one.send('POST', `/orders/${order.id}/cancel`);
    await page.route('**/api/v1/orders', (route) => (route.request().method() === 'POST'
      ? route.continue({ headers: { ...route.request().headers(), 'idempotency-key': used }, postData: JSON.stringify({ items: [{ productId: product.id, quantity: 2 }] }) })
      : route.continue()));
    await page.getByRole('button', { name: words[language].buy }).click();
    await page.locator('.buy-text').getByText(sentence).waitFor();
    await isAccessible(page);
    isQuiet(page);
    await who.context.close();
  }
}

/** A phone loads no picture that is larger than it shows, and what it loads is kept for good. */
async function loadsPicturesOfItsSize(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'With a large picture' });
  const stored = await fetch(`${market.url}/api/v1/products/${product.id}/image`, {
    method: 'PUT', headers: { 'Content-Type': 'image/png', Authorization: `Bearer ${seller.token}` }, body: png(2000) });
  assert.equal(stored.status, 200);
  const who = await visitor(context, { viewport: phone });
  const page = await who.tab();
  const answers = [];
  page.on('response', (answer) => { if (/\/image\?/.test(answer.url())) answers.push(answer); });
  await page.goto(market.url);
  await page.locator('img.cover').first().waitFor();
  await until(() => page.evaluate(() => [...document.images].every((each) => each.complete || each.loading === 'lazy')), 10);
  assert.ok(answers.length > 0, 'no picture was asked for');
  for (const answer of answers) {
    assert.match(answer.url(), /&width=(160|320|640|1280)$/);
    assert.equal(answer.status(), 200);
    assert.equal(answer.headers()['cache-control'], 'public, max-age=31536000, immutable');
  }
  isQuiet(page);
  await who.context.close();
}

/** The same shop behind a gateway, and no page hides what the API says. */
async function worksBehindAGateway(context) {
  const registry = await Server.start(['--role', 'registry']);
  const set = ['--set', `registry.urls=${registry.url}/eureka`, '--set', 'ratelimit.enabled=false'];
  const services = await Server.start(['--role', 'user,product,order', '--data', path.join(context.folder, 'behind'), ...set]);
  const gateway = await Server.start(['--role', 'gateway', ...set.slice(0, 2)]);
  try {
    await until(async () => (await fetch(`${gateway.url}/api/v1/products`)).ok, 20);
    const product = await (await admin(services.url)).product({ name: 'Behind a gateway' });
    const one = await buyer(services.url);
    const who = await visitor(context);
    const page = await who.tab();
    await signIn(page, gateway.url, one.account, 'en', `/store/products/${product.id}`);
    await page.locator('.fresh.stream').waitFor();
    await button(page).click();
    await page.locator('.ticket').waitFor();
    const missing = await fetch(`${gateway.url}/api/v1/nothing`, { headers: { Accept: 'text/html' } });
    assert.equal(missing.status, 404);
    assert.match(missing.headers.get('content-type'), /problem/);
    isQuiet(page);
    await who.context.close();
  } finally {
    for (const server of [gateway, services, registry]) await server.stop();
  }
}

await run([buysOnADesktopInEnglish, buysOnADesktopInKorean, buysOnAPhoneInEnglish, buysOnAPhoneInKorean, opensByTheServersClock,
  twoRaceForTheLastOne, pressingTwiceIsOneOrder, aLostAnswerIsAskedForAgain, aSlowAnswerIsCalledSlow, aKilledServerLosesNoPurchase,
  tenTabsShareOneStream, buysByKeyboardAlone, goesOnAfterSigningInAgain, saysThatASaleIsPaused, saysTheServersSentence, loadsPicturesOfItsSize,
  worksBehindAGateway], makeContext);
