// What the documents say is tried: the Postman collection that the server offers is run by newman, and the picture of
// the tables is compared with the tables. Prints `N passed, N failed`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Parser } from '@asyncapi/parser';
import newman from 'newman';

import { Server } from '../browser/platform.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

function runFolder(collection, folder, url) {
  return new Promise((done, fail) => {
    newman.run({ collection, folder, envVar: [{ key: 'baseUrl', value: url }], bail: true, silent: true },
      (error, summary) => (error ? fail(error) : done(summary)));
  });
}

async function theCollectionBuysSomething({ market }) {
  const collection = await market.json('/postman.json');
  const folder = collection.item[0].name;
  const { run } = await runFolder(collection, folder, market.url);
  assert.deepEqual(run.failures.map((each) => `${each.source?.name}: ${each.error.message}`), []);
  assert.ok(run.stats.assertions.total >= 9, 'the collection checks nothing');
}

async function theCollectionHasEveryOperation({ market }) {
  const [collection, document] = [await market.json('/postman.json'), await market.json('/openapi.json')];
  const wanted = Object.values(document.paths)
    .flatMap((item) => Object.keys(item).filter((verb) => ['get', 'post', 'put', 'patch', 'delete'].includes(verb)));
  const there = collection.item.slice(1).flatMap((folder) => folder.item);
  assert.equal(there.length, wanted.length);
}

async function theKeptCollectionIsTheServers({ market }) {
  const kept = JSON.parse(readFileSync(path.join(root, 'api/postman.json'), 'utf8'));
  assert.deepEqual(kept, await market.json('/postman.json'));
}

async function thePicturesOfTheTablesAreCurrent({ folder }) {
  for (const [from, name] of [[folder, 'erd.svg'], [path.join(root, 'src/adapters/mysql'), 'erd-mysql.svg']]) {
    const drawn = execFileSync('python3', [path.join(root, 'tools/erd.py'), from], { encoding: 'utf8' });
    assert.ok((drawn.match(/class="name"/g) ?? []).length >= 8, `${name} shows too few tables`);
    const kept = readFileSync(path.join(root, 'docs/pictures', name), 'utf8');
    assert.ok(drawn === kept, `the tables have changed: tools/erd.py FOLDER > docs/pictures/${name}`);
  }
}

/** By AsyncAPI's own parser; hints, such as that there is a newer version, are none. */
async function theDocumentOfTheEventsIsAsyncApi() {
  const { diagnostics, document } = await new Parser().parse(readFileSync(path.join(root, 'api/events.yaml'), 'utf8'));
  assert.deepEqual(diagnostics.filter((each) => each.severity < 2).map((each) => `${each.path.join('.')}: ${each.message}`), []);
  assert.equal(document.version(), '3.0.0');
  assert.ok(document.channels().get('events').messages().all().length >= 6);
  const broken = await new Parser().parse(JSON.stringify({ asyncapi: '3.0.0', info: { title: 'no version' } }));
  assert.ok(broken.diagnostics.some((each) => each.severity === 0), 'it would find a mistake');
}

const folder = mkdtempSync(path.join(tmpdir(), 'market-documents-'));
const market = await Server.start(['--demo', '--data', folder]);
let [passed, failed] = [0, 0];
for (const test of [theCollectionHasEveryOperation, theCollectionBuysSomething, theKeptCollectionIsTheServers,
  thePicturesOfTheTablesAreCurrent, theDocumentOfTheEventsIsAsyncApi]) {
  try {
    await test({ market, folder });
    passed += 1;
    console.log(`ok ${test.name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${test.name}\n${error.stack}`);
  }
}
await market.stop();
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
