// SPDX-License-Identifier: Apache-2.0
// Rules about the source itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../lib/servers.mjs';

const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
const files = execFileSync('git', ['-C', root, 'ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' }).trim().split('\n').filter((f) => fs.existsSync(path.join(root, f)));
const sources = (ending) => files.filter((f) => f.endsWith(ending));

const may = {
  base: [], loop: ['base'], config: ['base'], metrics: ['base'], redis: ['base', 'loop', 'metrics'], postgres: ['base', 'loop', 'metrics'],
  line: ['base'], sale: ['base'], order: ['base'], outside: ['base', 'loop', 'config', 'line'], ledger: ['base', 'loop', 'config', 'metrics', 'redis', 'postgres', 'sale'],
  edge: ['base', 'loop', 'config', 'metrics', 'redis', 'postgres', 'line', 'sale', 'order', 'outside'],
  command: ['base', 'loop', 'config', 'metrics', 'redis', 'postgres', 'sale', 'ledger', 'edge'],
};
const outside = { 'uv.h': ['outside', 'loop', 'redis', 'postgres', 'edge', 'command'], 'hiredis/': ['redis'], 'libpq-fe.h': ['postgres'], 'libwebsockets.h': ['edge'], 'curl/': ['outside'], 'jwt.h': ['edge'] };

test('every folder includes only what stands below it', () => {
  for (const file of files.filter((f) => /^src\/\w+\/.*\.[ch]$/.test(f))) {
    const folder = file.split('/')[1];
    for (const [, included] of read(file).matchAll(/^#include "(\w+)\//gm))
      if (included !== 'boxoffice') assert.ok(included === folder || may[folder].includes(included), `${file} includes ${included}/`);
  }
});

test('only the folders made for it see libuv, hiredis, libpq, libwebsockets, libcurl and libjwt', () => {
  for (const file of files.filter((f) => /^src\/\w+\/.*\.[ch]$/.test(f)))
    for (const [header, folders] of Object.entries(outside))
      if (read(file).includes(`#include <${header}`)) assert.ok(folders.includes(file.split('/')[1]), `${file} includes <${header}>`);
});

test('every error code stands in docs/protocol.md, and scripts answer with no other', () => {
  const codes = [...read('include/boxoffice/error.def').matchAll(/^X\(\w+, "(\w+)"/gm)].map((m) => m[1]);
  assert.ok(codes.length > 30);
  const documented = read('docs/protocol.md');
  for (const code of codes) assert.match(documented, new RegExp(`^\\| \`${code}\` `, 'm'), `${code} is not in docs/protocol.md`);
  for (const file of sources('.lua'))
    for (const [, code] of read(file).matchAll(/return \{'(\w+)'/g)) assert.ok(code === 'ok' || codes.includes(code), `${file} answers ${code}`);
});

test('every message type and close code stands in docs/protocol.md', () => {
  const documented = read('docs/protocol.md');
  const edge = files.filter((f) => f.startsWith('src/edge/') && f.endsWith('.c')).map(read).join('\n');
  const said = [...edge.matchAll(/\{\\"type\\":\\"(\w+)\\"/g)].map((m) => m[1]), heard = [...read('src/edge/messages.c').matchAll(/\{"(\w+)", (?:on|bo_entry)_/g)].map((m) => m[1]);
  assert.ok(said.length > 10 && heard.length >= 8);
  for (const type of [...said, ...heard, 'held', 'released', 'sold_out', 'ended']) assert.match(documented, new RegExp(`"type": ?"${type}"`), `${type} has no example`);
  for (const [, code] of read('src/edge/session.h').matchAll(/#define BO_CLOSE_\w+ (\d+)/g)) assert.match(documented, new RegExp(`^\\| ${code} `, 'm'));
});

test('every route stands in docs/openapi.yaml', () => {
  const api = read('docs/openapi.yaml');
  for (const file of files.filter((name) => /^src\/edge\/(routes|accounts|hooks|admin\w*)\.c$/.test(name)))
    for (const [, route] of read(file).matchAll(/"(\/(?:api|webhook|health|metrics|\.well-known)[^"]*[^"\/])"/g))
      assert.ok(['{sale}', '{order}', '{hook}'].some((name) => api.includes(`  ${route.replace('*', name)}:`)), `${route} is not in docs/openapi.yaml`);
});

test('scripts are right Lua, with a header that says what they take and return', () => {
  for (const file of sources('.lua')) {
    execFileSync('luac5.1', ['-p', path.join(root, file)]);
    assert.match(read(file), /^-- [A-Z]/, file);
    if (!file.includes('/lib/')) assert.match(read(file), /^-- returns {2}\{/m, file);
  }
});

test('files are short, carry their licence, and leave nothing for later', () => {
  for (const file of files.filter((f) => /\.(c|h|def|mjs|js|py|sh|css)$/.test(f))) {
    const text = read(file);
    assert.ok(text.split('\n').length <= 600, `${file} is too long`);
    assert.match(text.slice(0, 200), /SPDX-License-Identifier: Apache-2\.0/, file);
    if (!file.startsWith('tests/lint')) assert.doesNotMatch(text, /\b(TODO|FIXME|XXX)\b/, file);
  }
});
