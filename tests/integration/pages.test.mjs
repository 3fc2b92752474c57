// SPDX-License-Identifier: Apache-2.0
// What the pages are served as: small, kept by browsers, and with nothing on them but what is ours.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { createSale, makePlan, root, startBoxoffice, until } from '../lib/servers.mjs';

const FIRST_LOAD_MAX = 60000; // bytes, compressed, without the plan

const get = (url, headers = {}) => new Promise((done, fail) => {
  http.get(url, { agent: false, headers: { 'accept-encoding': 'gzip', ...headers } }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part)).on('end', () => {
      const raw = Buffer.concat(parts);
      done({ status: answer.statusCode, headers: answer.headers, size: raw.length, text: String(answer.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(raw) : raw) });
    });
  }).on('error', fail);
});

// What a page loads, and what that loads, all by the names in it.
async function loads(url, seen = new Map()) {
  const page = await get(url);
  if (seen.has(url)) return seen;
  seen.set(url, page);
  const names = [...page.text.matchAll(/(?:src|href)="(\/-\/[^"]+)"/g), ...page.text.matchAll(/^(?:import|export)[^'\n]* from '(\.[^']+)'|^import '(\.[^']+)'|await import\(`(\.[^`]+)`\)/gm)].map(([, a, b, c]) => (a ?? b ?? c).replace('${language}', 'ko'));
  for (const name of names) {
    const next = new URL(name, url).href;
    if (!seen.has(next)) await loads(next, seen);
  }
  return seen;
}

test('the first load is small, every file is kept for good, and comes back unchanged', async (t) => {
  const world = await startBoxoffice(t);
  for (const page of ['/', '/tickets.html', '/account.html', '/reset.html']) {
    const files = await loads(`${world.url}${page}`);
    const size = [...files.values()].reduce((sum, one) => sum + one.size, 0);
    assert.ok(files.size >= 4 && size <= FIRST_LOAD_MAX, `${page}: ${size} bytes in ${files.size} files`);
    for (const [url, file] of files) {
      assert.equal(file.status, 200, url);
      assert.equal(file.headers['content-encoding'], 'gzip');
      assert.equal(file.headers['x-content-type-options'], 'nosniff');
      if (url === `${world.url}${page}`) {
        assert.equal(file.headers['cache-control'], 'no-cache');
        const again = await get(url, { 'if-none-match': file.headers.etag });
        assert.deepEqual([again.status, again.size], [304, 0]);
      } else {
        assert.equal(file.headers['cache-control'], 'public, max-age=31536000, immutable', url);
      }
    }
  }
});

test('a file of another version is served as it is now, and kept by nobody', async (t) => {
  const world = await startBoxoffice(t);
  const { status, headers } = await get(`${world.url}/-/0123456789ab/main.js`);
  assert.deepEqual([status, headers['cache-control']], [200, 'no-cache']);
  for (const where of ['/-/', '/-/x', '/-/x/none.js', '/main.js', '/-/x/admin/main.js', '/client/', '/client/package.json', '/admin/index.html', '/-/x/../../etc/passwd']) assert.equal((await get(`${world.url}${where}`)).status, 404, where);
  const plain = await get(`${world.url}/client/boxoffice.js`, { 'accept-encoding': 'identity' });
  assert.equal(plain.text, fs.readFileSync(path.join(root, 'examples/client/boxoffice.js'), 'utf8'));
});

test('a strict Content-Security-Policy: our scripts only, none inline, no frames, nothing to elsewhere', async (t) => {
  const world = await startBoxoffice(t);
  for (const page of [`${world.url}/`, `${world.url}/tickets.html`, `${world.url}/account.html`, `${world.url}/reset.html`, `http://127.0.0.1:${world.adminPort}/`]) {
    const { headers, text } = await get(page);
    const policy = headers['content-security-policy'];
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /style-src 'self'/);
    assert.match(policy, /connect-src 'self'(;|$)/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /base-uri 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['referrer-policy'], 'same-origin');
    assert.ok(headers['permissions-policy']);
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/);
  }
});

test('an address with TLS says so to browsers, and Stripe\'s elements are allowed where they are paid with', async (t) => {
  const world = await startBoxoffice(t, { config: { public_url: 'https://tickets.example.org', payment_kind: 'stripe', payment_secret: 'whsec_0123456789abcdef' } });
  const { headers } = await get(`${world.url}/`);
  assert.equal(headers['strict-transport-security'], 'max-age=31536000');
  assert.match(headers['content-security-policy'], /script-src 'self' https:\/\/js\.stripe\.com;/);
});

test('every language has every word, and errors people meet', () => {
  const folder = path.join(root, 'src/pages/words');
  return Promise.all(fs.readdirSync(folder).map(async (file) => ({ file, words: (await import(path.join(folder, file))).words }))).then((all) => {
    const { words: english } = all.find(({ file }) => file === 'en.js');
    const used = fs.readdirSync(path.join(root, 'src/pages')).filter((f) => /\.(js|html)$/.test(f)).map((f) => fs.readFileSync(path.join(root, 'src/pages', f), 'utf8')).join('\n');
    for (const [, key] of used.matchAll(/(?:\bt\('|data-word(?:-\w+)?=")([\w.]+)['"]/g)) assert.ok(key in english, `${key} is not in en.js`);
    for (const { file, words } of all) {
      for (const key of Object.keys(english)) assert.ok(key in words, `${file} lacks ${key}`);
      for (const key of Object.keys(words)) assert.ok(key in english || key.startsWith('error.'), `${file} has ${key}, which nobody says`);
      for (const [key, text] of Object.entries(words)) {
        const names = (one) => [...JSON.stringify(one).matchAll(/\{(\w+)\}/g)].map(([, name]) => name).filter((v, i, list) => list.indexOf(v) === i).sort();
        if (english[key]) assert.deepEqual(names(text), names(english[key]), `${file}: ${key}`);
      }
    }
  });
});

test('U3 a time zone is checked when it is set, against those the system has, and said to everyone; without one it is UTC', async (t) => {
  const world = await startBoxoffice(t);
  const zone = async () => {
    const [sale, events] = await Promise.all(['/api/sales/hall', '/api/events'].map(async (where) => (await fetch(`${world.url}${where}`)).json()));
    return [sale.time_zone, events.events[0].shows[0].time_zone];
  };
  assert.deepEqual(await zone(), ['UTC', 'UTC']);
  for (const name of ['Europe/Wien', 'europe/vienna', 'CEST', '+02:00', 'Europe', '/usr/share/zoneinfo/UTC', '../zoneinfo/UTC', 'posix/Europe/Vienna',
    'zone.tab', 'localtime', ' ', 'x'.repeat(65), 2, null]) {
    const { status, json } = await world.admin('PATCH', '/api/sales/hall', { time_zone: name });
    assert.deepEqual([status, json.error?.code], [400, 'bad_setting'], String(name));
    assert.match(json.error.detail, /time_zone: allowed is/);
  }
  assert.match((await world.admin('PATCH', '/api/sales/hall', { time_zone: 'Europe/Wien' })).json.error.detail, /like Europe\/Vienna.*tzdata/);
  assert.deepEqual(await zone(), ['UTC', 'UTC']);
  for (const name of ['Europe/Vienna', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'UTC']) {
    await world.set({ time_zone: name });
    await until('every gateway says it', async () => (await Promise.all([zone(), zone(), zone()])).flat().every((said) => said === name));
  }
  await world.set({ time_zone: '' });
  const made = await world.admin('POST', '/api/sales', { sale: 'new', name: 'New', plan: makePlan(1), settings: { prices: { Front: 100, Back: 100 }, time_zone: 'Mars/Olympus' } });
  assert.deepEqual([made.status, made.json.error.code], [400, 'bad_setting']);
});

test('a theme and its words are checked when they are set', async (t) => {
  const world = await startBoxoffice(t);
  await world.set({ color: '#7a1f5c', logo: 'https://example.org/logo.svg', welcome: 'Hello' });
  for (const settings of [{ color: 'red' }, { color: '#12345' }, { color: '#12345g' }, { logo: 'http://example.org/x.png' }, { logo: 'javascript:alert(1)' }, { color: 1 }, { welcome: 'x'.repeat(1001) }]) {
    const { status, json } = await world.admin('PATCH', '/api/sales/hall', settings);
    assert.deepEqual([status, json.error.code], [400, 'bad_setting'], JSON.stringify(settings));
    assert.match(json.error.detail, new RegExp(`${Object.keys(settings)[0]}: allowed is`));
  }
  const about = await (await fetch(`${world.url}/api/sales/hall`)).json();
  assert.deepEqual([about.color, about.logo, about.welcome], ['#7a1f5c', 'https://example.org/logo.svg', 'Hello']);
  await world.set({ color: '', logo: '' });
  await createSale(world, 'other', { color: '#000000' });
});
