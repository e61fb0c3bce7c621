// What comes late in a real browser: answers, when whoever asked is elsewhere, and presses, when the button is another.
//
//   MARKET_BINARY=build/release/market node tests/browser/late.mjs [name…]
import assert from 'node:assert/strict';

import { buyer } from './api.mjs';
import { isQuiet, run } from './browser.mjs';
import { until } from './platform.mjs';
import { holdsAnswers, isAccessible, makeContext, operatorAt, seconds, signIn, visitor } from './visit.mjs';

/** An answer that comes when the operator is elsewhere does not take him from there, nor what he types. */
async function staysWhereTheOperatorWent(context) {
  const { market, seller } = context;
  const edited = await seller.product({ name: 'Edited meanwhile' });
  const withdrawn = await seller.product({ name: 'Withdrawn slowly' });
  const page = await operatorAt(context, '/admin/products/new');
  const typed = 'Half an hour of typing.';
  const edits = async () => {
    await page.getByRole('link', { name: 'Products' }).first().click();
    await page.getByRole('link', { name: 'Edited meanwhile' }).click();
    await page.getByLabel('Description').fill(typed);
  };
  const isThere = async () => {
    assert.equal(page.url(), `${market.url}/admin/products/${edited.id}`);
    assert.equal(await page.getByLabel('Description').inputValue(), typed);
  };
  const announced = await holdsAnswers(page, '**/api/v1/products', 'POST');
  await page.getByLabel('Name', { exact: true }).fill('Announced slowly');
  await page.locator('select[name=kind]').selectOption('regular');
  await page.locator('input[name=amount]').fill('1000');
  await page.getByRole('button', { name: 'Announce it' }).click();
  await edits();
  await announced();
  await isThere();
  assert.equal((await seller.send('GET', '/admin/products?search=Announced%20slowly')).items.length, 1);
  await page.goto(`${market.url}/admin/products/${withdrawn.id}`);
  const ended = await holdsAnswers(page, `**/api/v1/products/${withdrawn.id}`, 'DELETE');
  await page.locator('.editor .button.danger').click();
  await page.getByRole('alertdialog').getByRole('button').last().click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Not now' }).click();
  await edits();
  await ended();
  await isThere();
  isQuiet(page);
  await page.context().close();
}

/** Who goes on typing while it is saved changes what is saved by then. */
async function keepsWhatIsTypedWhileItIsSaved(context) {
  const { seller } = context;
  const product = await seller.product({ name: 'Saved slowly' });
  const page = await operatorAt(context, `/admin/products/${product.id}`);
  const saved = await holdsAnswers(page, `**/api/v1/products/${product.id}`, 'PATCH');
  const save = () => page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByLabel('Category').fill('  boots ');
  await save();
  await page.getByLabel('Description').fill('Typed meanwhile.');
  await saved();
  assert.equal(await page.getByLabel('Category').inputValue(), 'boots');
  assert.equal(await page.getByLabel('Description').inputValue(), 'Typed meanwhile.');
  assert.equal(await page.getByText('Saved.').count(), 0, 'not all of it');
  await save();
  await page.getByText('Saved.').waitFor();
  const { category, description } = await seller.send('GET', `/products/${product.id}`);
  assert.deepEqual([category, description], ['boots', 'Typed meanwhile.']);
  isQuiet(page);
  await page.context().close();
}

/** A late answer leaves a buyer, too, where he is: one who signs in, or out, and goes on looking. */
async function staysWhereTheBuyerWent(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Looked at meanwhile' });
  const one = await buyer(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await page.goto(`${market.url}/store/sign-in?to=/store/me`);
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(one.account.password);
  const isIn = await holdsAnswers(page, '**/api/v1/sessions', 'POST');
  await page.locator('form button[type=submit]').click();
  await page.getByRole('link', { name: 'MARKET' }).first().click();
  await page.getByRole('searchbox').fill('meanwhile');
  await page.waitForURL(`${market.url}/?search=meanwhile`);
  await isIn();
  assert.equal(page.url(), `${market.url}/?search=meanwhile`);
  await page.getByRole('link', { name: 'Orders' }).waitFor(); // He is signed in all the same.
  const signsOut = async (where) => {
    const isOut = await holdsAnswers(page, '**/api/v1/sessions/current', 'DELETE');
    await page.getByRole('button', { name: 'Account', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await where?.();
    await isOut();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
  };
  await signsOut(() => page.getByRole('link', { name: 'Looked at meanwhile' }).first().click());
  assert.equal(page.url(), `${market.url}/store/products/${product.id}`);
  await signIn(page, market.url, one.account, 'en', '/store/me');
  await signsOut();
  assert.equal(page.url(), `${market.url}/`, 'a page that was his alone is left');
  isQuiet(page);
  await who.context.close();
}

/** One press is one step, however slow its answer; and a step that comes under the pointer is not the one that was meant. */
async function takesOneStepForOnePress(context) {
  const { market, seller } = context;
  const one = await buyer(market.url);
  const order = await one.buy(await seller.product({ name: 'One step' }));
  await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
  const page = await operatorAt(context, '/admin/orders');
  const state = async () => (await one.send('GET', `/orders/${order.id}`)).state;
  const dialog = page.getByRole('alertdialog');
  const step = (name) => dialog.getByRole('button', { name: `Set to: ${name}` });
  await page.getByRole('button', { name: order.id }).click();
  const packed = await holdsAnswers(page, '**/advance', 'POST');
  await step('Being packed').click();
  await dialog.locator('.pill', { hasText: 'Being packed' }).waitFor(); // The dialog has heard of it.
  assert.equal(await step('Being packed').getAttribute('aria-busy'), 'true');
  await dialog.locator('.button.main').click({ force: true });
  await packed();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await state(), 'preparing');
  await page.getByRole('button', { name: order.id }).click();
  await step('On its way').waitFor();
  await seller.send('POST', `/admin/orders/${order.id}/advance`, { state: 'shipped' });
  await step('Delivered').waitFor();
  await dialog.locator('.button.main').click({ force: true, noWaitAfter: true });
  await page.waitForTimeout(500);
  assert.equal(await state(), 'shipped');
  await step('Delivered').click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await state(), 'delivered');
  isQuiet(page);
  await page.context().close();
}

/** At the second of the opening "Pause now" comes to where "Open now" was. */
async function pausesNothingByChance(context) {
  const { market, seller } = context;
  const product = await seller.product({ name: 'Opens under the pointer', sale: { opensAt: new Date(Date.now() + 9000).toISOString() } });
  const page = await operatorAt(context, `/admin?sale=${product.id}`);
  const isPaused = async () => (await seller.send('GET', `/products/${product.id}`)).sale.paused;
  const pause = page.getByRole('button', { name: 'Pause now' });
  await page.getByRole('button', { name: 'Open now' }).waitFor();
  await pause.waitFor(seconds(20));
  await pause.click({ force: true });
  await page.waitForTimeout(500);
  assert.equal(await isPaused(), false);
  await isAccessible(page);
  await pause.click();
  await until(isPaused, 10);
  isQuiet(page);
  await page.context().close();
}

/** At a cart with one bag, whose order has a page that is loaded when `comes` is called. */
async function cartWithASlowOrder(context, name) {
  const { market, seller } = context;
  const bag = await seller.product({ name, kind: 'regular', sale: null });
  const one = await buyer(market.url);
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, one.account, 'en', '/store/cart');
  let comes;
  const held = new Promise((done) => { comes = done; });
  await page.route('**/web/assets/OrderPage*', async (route) => { await held; return route.fallback(); });
  return { market, bag, one, who, page, comes };
}

/** The second half of a slow double click comes when the cart is ordered and its page is still shown: it orders nothing. */
async function aCartIsOrderedOnce(context) {
  const { market, bag, one, who, page, comes } = await cartWithASlowOrder(context, 'Bag ordered once');
  const button = page.locator('.buy-button');
  await button.evaluate((pressed) => {
    let waited = false;
    new MutationObserver(() => {
      const waits = pressed.hasAttribute('aria-busy');
      if (waited && !waits) pressed.click();
      waited = waits;
    }).observe(pressed, { attributes: true });
  });
  await button.click();
  await until(async () => (await one.orders()).length > 0, 10);
  await page.waitForTimeout(1000);
  assert.equal(await button.count(), 0);
  comes();
  await page.waitForURL(/\/store\/orders\/./);
  await page.getByRole('heading', { name: bag.name }).waitFor();
  await page.waitForTimeout(1000);
  assert.equal((await one.orders()).length, 1);
  await page.goBack();
  await page.getByRole('heading', { name: 'The cart is empty' }).waitFor();
  await page.waitForTimeout(500);
  assert.equal(page.url(), `${market.url}/store/cart`, 'led there once');
  await one.send('PUT', `/cart/items/${bag.id}`, { quantity: 1 });
  await page.reload(); // What was written down to be asked for is asked for now.
  await page.getByRole('heading', { name: 'Cart' }).waitFor();
  await page.waitForTimeout(1000);
  assert.equal((await one.orders()).length, 1);
  isQuiet(page);
  await who.context.close();
}

/** The page of an order takes its time; whoever goes back to the cart meanwhile sees the cart. */
async function aCartIsOpenedWhileItsOrderIsOnItsWay(context) {
  const { market, who, page, comes } = await cartWithASlowOrder(context, 'Bag on its way');
  await page.locator('.buy-button').click();
  await page.waitForURL(/\/store\/orders\/./);
  await page.getByRole('navigation').getByRole('link', { name: 'Cart' }).click();
  await page.getByRole('heading', { name: 'The cart is empty' }).waitFor();
  comes();
  await page.waitForTimeout(500);
  assert.equal(page.url(), `${market.url}/store/cart`);
  isQuiet(page);
  await who.context.close();
}

/** What is asked while a step is under way stays when the step is refused. */
async function aQuestionOutlivesAStep(context) {
  const { seller } = context;
  const one = await buyer(context.market.url);
  const order = await one.buy(await seller.product({ name: 'Asked meanwhile' }));
  await one.send('POST', `/orders/${order.id}/payment`, { method: 'card', token: 'ok' });
  const page = await operatorAt(context, '/admin/orders');
  page.expected.push(/^409 /);
  let answer;
  const held = new Promise((done) => { answer = done; });
  const refusal = { type: 'about:blank', title: 'no', status: 409, detail: '', message: 'Not now.', code: 'invalid_transition', traceId: '0' };
  await page.route('**/advance', async (route) => {
    await held;
    return route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(refusal) });
  });
  await page.getByRole('button', { name: order.id }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('button', { name: 'Set to: Being packed' }).click();
  await dialog.getByRole('button', { name: 'Cancel order' }).click();
  const asked = dialog.getByRole('button', { name: 'Not now' });
  await asked.waitFor();
  answer();
  await dialog.getByText('Not now.').waitFor();
  assert.equal(await asked.count(), 1, 'the question is gone');
  isQuiet(page);
  await page.context().close();
}

await run([staysWhereTheOperatorWent, keepsWhatIsTypedWhileItIsSaved, staysWhereTheBuyerWent, takesOneStepForOnePress, pausesNothingByChance,
  aCartIsOrderedOnce, aCartIsOpenedWhileItsOrderIsOnItsWay, aQuestionOutlivesAStep], makeContext);
