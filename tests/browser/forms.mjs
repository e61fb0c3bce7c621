// Forms in a real browser: answers that are lost, what is read out, where the focus goes, and what stays in them.
//
//   MARKET_BINARY=build/release/market node tests/browser/forms.mjs [name…]
import assert from 'node:assert/strict';
import path from 'node:path';

import { admin, buyer, password } from './api.mjs';
import { isQuiet, run } from './browser.mjs';
import { adminAccount, Server, until } from './platform.mjs';
import { png } from './png.mjs';
import { holdsAnswers, isAccessible, makeContext, operatorAt, signIn, visitor } from './visit.mjs';

const another = 'another passphrase of the tests';

/** The next request of this method to that address is carried out, and its answer is lost. */
async function losesAnAnswer(page, address, method) {
  let left = 1;
  page.expected.push(/ERR_/);
  await page.route(address, async (route) => {
    if (route.request().method() !== method || left-- <= 0) return route.fallback();
    await route.fetch();
    return route.abort('connectionreset');
  });
}

/** The first try was carried out: the second one, which the page sends by itself, finds that out. */
async function aLostAnswerIsNoRefusal(context) {
  const { market } = context;
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^40[139] /);
  const email = `lost-${Date.now()}@example.com`;
  await page.goto(`${market.url}/store/sign-up?to=/store/me`);
  await losesAnAnswer(page, '**/api/v1/users', 'POST');
  await losesAnAnswer(page, '**/api/v1/sessions', 'POST');
  await page.getByLabel('Name').fill('Kim');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.locator('form button[type=submit]').click();
  await page.getByText('We try again by ourselves').waitFor();
  await page.getByRole('heading', { name: 'Confirm your e-mail' }).waitFor();
  await page.getByRole('link', { name: 'Later' }).click();
  await losesAnAnswer(page, '**/users/me/password', 'PUT');
  await page.getByLabel('Current password').fill(password);
  await page.getByLabel('New password').fill(another);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Changed. Other devices are signed out.').waitFor();
  await losesAnAnswer(page, '**/users/me', 'PATCH');
  await page.getByLabel('Address').fill('Street 1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await losesAnAnswer(page, '**/users/me', 'DELETE');
  await page.getByRole('button', { name: 'End the account' }).click();
  await page.getByRole('alertdialog').getByLabel('Current password').fill(another);
  await page.getByRole('button', { name: 'End it' }).click();
  await page.waitForURL(`${market.url}/`);
  // Somebody else's address is taken, whatever was sent before.
  const one = await buyer(market.url);
  await page.goto(`${market.url}/store/sign-up`);
  await losesAnAnswer(page, '**/api/v1/users', 'POST');
  await page.getByLabel('Name').fill('Kim');
  await page.getByLabel('E-mail').fill(one.account.email);
  await page.getByLabel('Password').fill(another);
  await page.locator('form button[type=submit]').click();
  await page.getByText('There is an account with this address.').waitFor();
  isQuiet(page);
  await who.context.close();
}

/** A code counts once: the answer to its first use is lost. */
async function aCodeIsUsedOnce(context) {
  const market = await Server.start(['--demo', '--data', path.join(context.folder, 'codes'), '--set', 'ratelimit.enabled=false']);
  try {
    const one = await buyer(market.url);
    const newest = async (pattern) => pattern.exec((await market.json('/dev/mail')).items.filter((each) => each.to === one.account.email)
      .map((each) => each.text).find((text) => pattern.test(text)) ?? '')?.[1];
    const code = async (pattern) => {
      await until(async () => await newest(pattern), 10);
      return newest(pattern);
    };
    const who = await visitor(context);
    const page = await who.tab();
    page.expected.push(/^4\d\d /);
    await signIn(page, market.url, one.account, 'en', '/store/verify?to=/store/me');
    await losesAnAnswer(page, '**/users/verification', 'POST');
    await page.getByLabel('Code').fill(await code(/(?<!\d)(\d{6})(?!\d)/));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.waitForURL(`${market.url}/store/me`);
    await page.getByText('· confirmed').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.goto(`${market.url}/store/forgot`);
    await page.getByLabel('E-mail').fill(one.account.email);
    await page.getByRole('button', { name: 'Send the code' }).click();
    await losesAnAnswer(page, '**/users/password', 'PUT');
    await page.getByLabel('Code').fill(await code(/\b([2-9A-HJ-NP-Z]{10})\b/));
    await page.getByLabel('New password').fill(another);
    await page.getByRole('button', { name: 'Set the new password' }).click();
    await page.getByText('The new password is set.').waitFor();
    isQuiet(page);
    await who.context.close();
  } finally {
    await market.stop();
  }
}

/** A page of something in front of the shop tells nobody that it was refused; nor is it what is shown. */
async function anothersNoIsNoAnswer(context) {
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^403 /);
  await page.route('**/api/v1/sessions', (route) => route.fulfill({ status: 403, contentType: 'text/html', body: '<html>Blocked' }), { times: 1 });
  await page.goto(`${context.market.url}/store/sign-in`);
  await page.getByLabel('E-mail').fill(adminAccount.email);
  await page.getByLabel('Password').fill(adminAccount.password);
  await page.locator('form button[type=submit]').click();
  await page.getByRole('alert').getByText('We do not know whether it was done').waitFor();
  assert.equal(await page.getByText('HTTP 403').count(), 0);
  await page.locator('form button[type=submit]').click();
  await page.waitForURL(`${context.market.url}/`);
  isQuiet(page);
  await who.context.close();
}

/** One product, and one webhook, however often its answer is lost. */
async function nothingIsMadeTwice(context) {
  const { market } = context;
  const chief = await admin(market.url);
  const who = await visitor(context);
  const page = await who.tab();
  await signIn(page, market.url, adminAccount, 'en', '/');
  await page.goto(`${market.url}/admin/products/new`);
  await losesAnAnswer(page, '**/api/v1/products', 'POST');
  await page.locator('input[name=name]').fill('Made once');
  await page.locator('select[name=kind]').selectOption('regular');
  await page.locator('input[name=amount]').fill('1000');
  await page.locator('form.terms button[type=submit]').click();
  await page.waitForURL(/\/admin\/products\/(?!new)./);
  await page.getByRole('heading', { name: 'Made once' }).waitFor();
  assert.equal((await chief.send('GET', '/admin/products?search=Made%20once')).items.length, 1);
  await page.goto(`${market.url}/admin/webhooks`);
  await losesAnAnswer(page, '**/admin/webhooks', 'POST');
  await page.locator('input[name=url]').fill('https://example.com/once');
  await page.locator('form.panel button[type=submit]').click();
  await page.getByText('We do not know whether it was done').waitFor();
  await page.getByRole('rowheader', { name: 'https://example.com/once' }).waitFor();
  await page.getByRole('alert').getByText('Look at the list').waitFor();
  await isAccessible(page);
  const { items } = await chief.send('GET', '/admin/webhooks');
  assert.equal(items.length, 1);
  await chief.send('DELETE', `/admin/webhooks/${items[0].id}`);
  isQuiet(page);
  await who.context.close();
}

/** Who cannot see what is wrong with a field hears that something is, and is led there. */
async function saysWhatIsWrongAtAField(context) {
  const { market } = context;
  const who = await visitor(context);
  const page = await who.tab();
  page.expected.push(/^422 /);
  const hears = async (labels) => {
    await page.getByRole('alert').getByText('Please check what you entered').waitFor({ state: 'attached' });
    await page.locator('.wrong').first().waitFor();
    const [label, name, described] = await page.evaluate(() => {
      const field = document.activeElement;
      return [field.labels[0].textContent, field.name, document.getElementById(field.getAttribute('aria-describedby')?.split(' ').at(-1))?.className];
    });
    assert.deepEqual([label, described], [labels, 'wrong'], name);
  };
  await page.goto(`${market.url}/store/sign-up`);
  await page.getByLabel('Name').fill('A');
  await page.getByLabel('E-mail').fill('not');
  await page.getByLabel('Password').fill('short');
  await page.keyboard.press('Enter');
  await hears('E-mail');
  await isAccessible(page);
  await page.getByLabel('E-mail').fill(`forms-${Date.now()}@example.com`);
  await page.getByLabel('Password').focus();
  await page.keyboard.press('Enter'); // It has the focus already.
  await page.locator('.wrong').nth(1).waitFor({ state: 'detached' });
  await hears('Password');
  await signIn(page, market.url, adminAccount, 'en', '/');
  await page.goto(`${market.url}/admin/products/new`);
  await page.locator('input[name=name]').fill('Described at length');
  await page.locator('select[name=kind]').selectOption('regular');
  await page.locator('input[name=amount]').fill('1000');
  await page.locator('textarea').evaluate((field) => field.removeAttribute('maxlength'));
  await page.locator('textarea').fill('x'.repeat(10_001));
  await page.locator('form.terms button[type=submit]').click();
  await hears('Description');
  isQuiet(page);
  await who.context.close();
}

/** What was typed of a new webhook stays while the list changes. */
async function keepsANewWebhook(context) {
  const { seller } = context;
  const add = (url) => seller.send('POST', '/admin/webhooks', { url, events: ['order.paid'] });
  await add('https://example.com/old');
  const page = await operatorAt(context, '/admin/webhooks');
  const url = page.locator('input[name=url]');
  const ticks = page.locator('fieldset input:checked');
  await url.fill('https://example.com/typed');
  await page.locator('input[name="order.cancelled"]').check();
  const isKept = async () => assert.deepEqual([await url.inputValue(), await ticks.count()], ['https://example.com/typed', 2]);
  await add('https://example.com/others');
  await page.getByRole('button', { name: 'Stop: https://example.com/old' }).click(); // The list is read again.
  await page.getByRole('rowheader', { name: 'https://example.com/others' }).waitFor();
  await isKept();
  await page.getByRole('button', { name: 'Delete: https://example.com/old' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('rowheader', { name: 'https://example.com/old' }).waitFor({ state: 'detached' });
  await isKept();
  page.expected.push(/^403 /);
  const refused = { type: 'about:blank', title: 'no', status: 403, detail: '', message: 'No more.', code: 'forbidden', traceId: '0' };
  await page.route(/\/admin\/webhooks\?/, (route) =>
    route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify(refused) }));
  await page.getByRole('button', { name: 'Stop: https://example.com/others' }).click(); // And this time it is not.
  await page.getByText('No more.').waitFor();
  await isKept();
  await page.unroute(/\/admin\/webhooks\?/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No more.').waitFor({ state: 'detached' });
  await isKept();
  await losesAnAnswer(page, '**/admin/webhooks', 'POST');
  await page.getByRole('button', { name: 'Add it' }).click();
  await page.getByRole('rowheader', { name: 'https://example.com/typed' }).waitFor();
  await until(async () => await url.inputValue() === '' && await ticks.count() === 1, 5);
  await url.fill('https://example.com/next');
  await page.getByRole('button', { name: 'Add it' }).click();
  await page.locator('.secret').waitFor();
  assert.equal(await url.inputValue(), '');
  for (const { id } of (await seller.send('GET', '/admin/webhooks')).items) await seller.send('DELETE', `/admin/webhooks/${id}`);
  isQuiet(page);
  await page.context().close();
}

/** Without TLS the browser has no clipboard. */
async function marksWhatItCannotCopy(context) {
  const { seller } = context;
  const before = () => Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });
  const page = await operatorAt(context, '/admin/webhooks', { before });
  await page.locator('input[name=url]').fill('https://example.com/copied');
  await page.getByRole('button', { name: 'Add it' }).click();
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByText('copy it by hand').waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString()), await page.locator('.secret').innerText());
  await isAccessible(page);
  for (const { id } of (await seller.send('GET', '/admin/webhooks')).items) await seller.send('DELETE', `/admin/webhooks/${id}`);
  isQuiet(page);
  await page.context().close();
}

/** A picture that failed is chosen again, and it is said while it is sent. */
async function sendsAPictureAgain(context) {
  const { seller } = context;
  const product = await seller.product({ name: 'With a picture' });
  const page = await operatorAt(context, `/admin/products/${product.id}`);
  const input = page.locator('input[type=file]');
  const choose = () => input.setInputFiles({ name: 'picture.png', mimeType: 'image/png', buffer: png() });
  page.expected.push(/ERR_/);
  await page.route('**/image', (route) => route.abort('connectionreset'), { times: 1 });
  await choose();
  await page.locator('.picture').getByRole('alert').waitFor();
  assert.equal(await input.inputValue(), '', 'what is chosen next is a change, be it the same');
  const sent = await holdsAnswers(page, '**/image', 'PUT');
  let pictures = 0;
  page.on('request', (request) => { if (request.url().endsWith('/image') && request.method() === 'PUT') pictures += 1; });
  await choose();
  await page.getByText('The picture is being sent').waitFor();
  await choose(); // As one that is dropped, which takes no click.
  await isAccessible(page);
  await sent();
  await page.locator('.picture-now img').waitFor();
  assert.equal(await page.getByText('The picture is being sent').count(), 0);
  assert.equal(pictures, 1);
  isQuiet(page);
  await page.context().close();
}

/** A year of five digits is said at its field, and nothing is sent. */
async function saysWhichYearIsNone(context) {
  const page = await operatorAt(context, '/admin/products/new');
  let sent = 0;
  page.on('request', (request) => { if (request.method() !== 'GET') sent += 1; });
  await page.getByLabel('Name', { exact: true }).fill('In many years');
  await page.locator('input[name=amount]').fill('1000');
  const opens = page.locator('input[name=opensAt]');
  await opens.evaluate((field) => { // As React hears of what is typed.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '20261-12-01T10:00');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await page.getByRole('button', { name: 'Announce it' }).click();
  await page.waitForTimeout(300);
  assert.equal(sent, 0);
  assert.ok(await opens.evaluate((field) => field === document.activeElement), 'it is shown which');
  assert.equal(await page.getByRole('alert').count(), 0);
  isQuiet(page);
  await page.context().close();
}

await run([aLostAnswerIsNoRefusal, aCodeIsUsedOnce, anothersNoIsNoAnswer, nothingIsMadeTwice,
  saysWhatIsWrongAtAField, keepsANewWebhook, marksWhatItCannotCopy, sendsAPictureAgain, saysWhichYearIsNone], makeContext);
