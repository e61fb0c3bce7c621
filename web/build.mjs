// Builds the pages into FOLDER/web.pack, which the binary embeds (cmake/web.cmake):
//
//   node web/build.mjs FOLDER     FOLDER/node_modules holds the packages
//
// The sources are copied beside the packages first, so that a build never writes into the source tree and two
// builds (release, asan) never meet.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const source = path.dirname(fileURLToPath(import.meta.url));
const folder = path.resolve(process.argv[2]);
const compressible = /\.(html|js|css|svg|json|webmanifest|txt)$/;

function run(tool, ...options) {
  execFileSync(process.execPath, [path.join(folder, 'node_modules', tool), ...options],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_ENV: 'production' } });
}

function copySources() {
  rmSync(path.join(folder, 'src'), { recursive: true, force: true });
  for (const name of ['src', 'public', 'shop.html', 'admin.html', 'vite.config.ts', 'tsconfig.json'])
    cpSync(path.join(source, name), path.join(folder, name), { recursive: true });
}

function filesBelow(top, below = '') {
  return readdirSync(path.join(top, below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(below, entry.name);
    return entry.isDirectory() ? filesBelow(top, name) : [name];
  }).sort();
}

/** A line per file (`path plain gzip brotli`, sizes in bytes), an empty line, the bytes. */
function pack(top) {
  const lines = [];
  const parts = [];
  for (const name of filesBelow(top)) {
    const bytes = readFileSync(path.join(top, name));
    const forms = compressible.test(name)
      ? [Buffer.alloc(0), gzipSync(bytes, { level: 9 }), brotliCompressSync(bytes, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
      })]
      : [bytes, Buffer.alloc(0), Buffer.alloc(0)];
    lines.push([name, ...forms.map((form) => form.length)].join(' '));
    parts.push(...forms);
  }
  return Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`), ...parts]);
}

mkdirSync(folder, { recursive: true });
copySources();
run('openapi-typescript/bin/cli.js', path.join(source, '../api/openapi.yaml'),
  '--output', path.join(folder, 'src/api/schema.gen.ts'));
run('vite/bin/vite.js', 'build', '--logLevel', 'warn');
writeFileSync(path.join(folder, 'web.pack.new'), pack(path.join(folder, 'dist')));
renameSync(path.join(folder, 'web.pack.new'), path.join(folder, 'web.pack'));
