#!/usr/bin/env node
// Takes the pictures of the README from demo data: node tools/pictures.mjs [folder], docs/pictures by default.
//
//   MARKET_BINARY=build/release/market
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { launch, phone, wide } from '../tests/browser/browser.mjs';
import { Server } from '../tests/browser/platform.mjs';
import { signIn, visitor } from '../tests/browser/visit.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? path.join(root, 'docs/pictures');
const binary = process.env.MARKET_BINARY ?? path.join(root, 'build/release/market');
const accounts = {
  buyer: { email: 'buyer@demo.example', password: 'quiet-lantern-42' },
  admin: { email: 'admin@demo.example', password: 'granite-keystone-42' },
};

const data = mkdtempSync(path.join(tmpdir(), 'market-pictures-'));
const market = await Server.start(['--demo', '--data', data]);
const browser = await launch();
const shoot = (page, name) => page.screenshot({ path: path.join(folder, `${name}.png`) });
const pause = (ms) => new Promise((wake) => { setTimeout(wake, ms); });

try {
  const { items } = await market.json('/api/v1/products');
  const named = (text) => items.find((each) => each.name.startsWith(text));
  const tab = async (options) => (await visitor({ browser }, options)).tab();

  const shop = await tab({ viewport: wide });
  await shop.goto(`${market.url}/`);
  await shop.locator('.card img').nth(2).waitFor();
  await pause(1500);
  await shoot(shop, 'shop-home');
  await shop.goto(`${market.url}/store/products/${named('Night').id}`);
  await shop.locator('.server-time').waitFor();
  await pause(1000);
  await shoot(shop, 'shop-countdown');
  await signIn(shop, market.url, accounts.buyer, 'en', `/store/products/${named('Aurora').id}`);
  await shop.locator('.buy-button').click();
  await shop.locator('.ticket').waitFor();
  await pause(1500);
  await shoot(shop, 'shop-ticket');
  for (const product of [named('Canvas'), named('Coffee')]) {
    await shop.goto(`${market.url}/store/products/${product.id}`);
    await shop.getByRole('button', { name: 'Add to cart' }).click();
    await shop.getByText('In the cart.').waitFor();
  }
  await shop.goto(`${market.url}/store/cart`);
  await shop.locator('.order-row').nth(1).waitFor();
  await pause(1000);
  await shoot(shop, 'shop-cart');

  const small = await tab({ viewport: { ...phone, height: 780 }, language: 'ko', scheme: 'dark' });
  await signIn(small, market.url, accounts.buyer, 'ko', `/store/products/${named('Coffee').id}`);
  await small.locator('.buy-button').click();
  await small.locator('.ticket a').click();
  await small.locator('.pay .timeleft').waitFor();
  await pause(1000);
  await shoot(small, 'shop-phone-pay');

  // A crowd, and what an operator sees of it.
  const crowd = spawn(binary, ['demo', '--url', market.url, '--opens-in', '12s'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => { crowd.on('exit', done); });
  const sale = await new Promise((found) => {
    crowd.stdout.on('data', (text) => { const match = /sale=(\w+)/.exec(text); if (match) found(match[1]); });
  });
  const board = await tab({ viewport: { width: 1280, height: 1180 } });
  await signIn(board, market.url, accounts.admin, 'en', `/admin?sale=${sale}`);
  await board.locator('.board-state .pill.sold_out').waitFor({ timeout: 60_000 });
  await pause(4000);
  await shoot(board, 'console-board');
  await ended;
  await board.setViewportSize({ width: 1280, height: 900 });
  await board.goto(`${market.url}/admin/report?sale=${sale}`);
  await board.locator('.chart canvas').nth(1).waitFor();
  await pause(2500);
  await shoot(board, 'console-report');
} finally {
  await browser.close();
  await market.stop();
  rmSync(data, { recursive: true, force: true });
}
