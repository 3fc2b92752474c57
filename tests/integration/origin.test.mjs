// SPDX-License-Identifier: Apache-2.0
// Shops that boxoffice stands in front of: the nginx example and the Node middleware, with real servers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import WebSocket from 'ws';
import { Boxoffice } from '../../examples/client/boxoffice.js';
import { admitted } from '../../examples/middleware/boxoffice.mjs';
import { arrive } from '../lib/person.mjs';
import { atEnd, freePort, root, start, startBoxoffice, temporaryFolder, until } from '../lib/servers.mjs';

async function serve(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => new Promise((done) => { server.close(done); server.closeAllConnections(); }));
  return server.address().port;
}

const get = (port, headers = {}, address = '/', method = 'GET') => new Promise((done, fail) => {
  http.request({ port, host: '127.0.0.1', path: address, headers, method, agent: false }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; }).on('end', () => done({ status: response.statusCode, location: response.headers.location, cookie: response.headers['set-cookie']?.[0], text }));
  }).on('error', fail).end();
});

test('A5 a Node shop lets only admitted people in, by the published keys', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  const { access } = await person.next('admitted');
  const check = admitted({ boxoffice: world.url, sale: 'hall' });
  const port = await serve(t, (req, res) => check(req, res, () => res.end(`hello ${req.admission.sub}`)));
  assert.deepEqual((await get(port)).location, `${world.url}/?sale=hall`);
  assert.equal((await get(port, { authorization: `Bearer ${access}` })).text, `hello ${person.person}`);
  assert.equal((await get(port, { cookie: `a=b; boxoffice_access=${access}` })).status, 200);
  assert.equal((await get(port, { cookie: `boxoffice_access=${person.resume}` })).status, 302);
  const smuggled = await get(port, {}, `/shop?access=${encodeURIComponent(`${access}.;Domain=example.com`)}`);
  assert.equal(smuggled.cookie, undefined, 'nothing but a token becomes a cookie');
});

// As a browser: keeps the cookie, follows the redirects within the shop.
async function walk(port, address) {
  let answer = await get(port, {}, address), cookie = '';
  const seen = [answer];
  for (let i = 0; i < 3 && answer.status === 303; i++) {
    cookie = answer.cookie?.split(';')[0] ?? cookie;
    answer = await get(port, { cookie }, answer.location.replace(`http://127.0.0.1:${port}`, ''));
    seen.push(answer);
  }
  return { seen, answer, cookie };
}

test('A10 who is sent on by the client library, as its README has it, is in the shop: the admission is taken from the address once', async (t) => {
  const world = await startBoxoffice(t);
  const kept = new Map(), storage = { get: (name) => kept.get(name) ?? null, set: (name, value) => kept.set(name, String(value)), remove: (name) => kept.delete(name) };
  const line = new Boxoffice({ server: world.url, sale: 'hall', storage, WebSocket });
  t.after(() => line.close());
  const access = await new Promise((done) => { line.addEventListener('admitted', ({ detail }) => done(detail.access), { once: true }); line.join(); });
  const check = admitted({ boxoffice: world.url, sale: 'hall' });
  const port = await serve(t, (req, res) => check(req, res, () => res.end(`${req.method} ${req.url} ${req.admission.num}`)));
  const { seen: [first], answer, cookie } = await walk(port, `/shop?a=1%2B2&access=${encodeURIComponent(access)}&b=x+y`);
  assert.deepEqual([first.status, first.location], [303, '/shop?a=1%2B2&b=x+y']);
  assert.match(first.cookie, /^boxoffice_access=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
  assert.deepEqual([answer.status, answer.text], [200, 'GET /shop?a=1%2B2&b=x+y 1']);
  assert.match((await get(port, { 'x-forwarded-proto': 'https' }, `/?access=${access}`)).cookie, /; Secure$/);
  assert.equal((await get(port, {}, `//evil.example/?access=${access}`)).location, '/evil.example/', 'never to another server');
  assert.equal((await get(port, { cookie }, '/?access=forged')).location, '/', 'a wrong one in the address takes no right one away');
  const forged = await get(port, {}, '/?access=forged');
  assert.deepEqual([forged.location, forged.cookie], [`${world.url}/?sale=hall`, undefined]);
  assert.equal((await get(port, {}, `/?access=${access}`, 'POST')).status, 302, 'a form is not sent away and lost: its admission is the cookie');
});

test('A5 an admission is for its sale, wherever the sale stands in the query', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  const { access } = await person.next('admitted');
  const ask = async (query) => (await fetch(`${world.url}/api/access${query}`, { headers: { authorization: `Bearer ${access}` } })).status;
  for (const query of ['', '?sale=hall', '?sale=hall&x=1', '?x=1&sale=hall', '?x=sale=other&sale=hall', '?x=%26sale%3Dother&sale=hall']) assert.equal(await ask(query), 200, query);
  for (const query of ['?sale=other', '?x=1&sale=other', '?&sale=other', '?x=&sale=other&sale=hall']) assert.equal(await ask(query), 403, query);
  for (const query of ['?sale=%FF', `?sale=${'x'.repeat(1500)}`]) assert.equal(await ask(query), 400, query);
});

test('A5 nginx with auth_request lets only admitted people through to a shop', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  const { access } = await person.next('admitted');
  const shop = await serve(t, (req, res) => res.end(`hello ${req.headers['x-person']}`));
  const port = await freePort(), folder = temporaryFolder(t);
  const site = fs.readFileSync(path.join(root, 'examples/nginx/boxoffice.conf'), 'utf8').replace('127.0.0.1:8080', `127.0.0.1:${world.port}`)
    .replace('127.0.0.1:9000', `127.0.0.1:${shop}`).replace('listen 8000', `listen 127.0.0.1:${port}`).replaceAll('sale=demo', 'sale=hall');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  fs.writeFileSync(path.join(folder, 'nginx.conf'), `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {} http { access_log off; ${paths} ${site} }`);
  start(t, 'nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')]);
  await until('nginx', () => get(port).then(() => true, () => false));
  const stranger = await get(port);
  assert.equal(stranger.status, 302);
  assert.match(stranger.location, /\?sale=hall$/);
  const guest = await get(port, { cookie: `boxoffice_access=${access}` });
  assert.deepEqual([guest.status, guest.text], [200, `hello ${person.person}`]);
  assert.equal((await get(port, { cookie: `boxoffice_access=${access.slice(0, -9)}AAAAAAAAA` })).status, 302);
  const here = `http://127.0.0.1:${port}`, headers = { host: `127.0.0.1:${port}` };
  for (const [address, left] of [[`/shop?access=${access}`, '/shop'], [`/shop?a=1&access=${access}`, '/shop?a=1'], [`/shop?a=1&access=${access}&b=2`, '/shop?a=1&b=2'], [`/shop?access=${access}&b=2`, '/shop?b=2']]) {
    const first = await get(port, headers, address);
    assert.deepEqual([first.status, first.location, first.cookie], [303, here + left, `boxoffice_access=${access}; Path=/; HttpOnly; SameSite=Lax`]);
    assert.equal((await get(port, { ...headers, cookie: first.cookie.split(';')[0] }, left)).text, `hello ${person.person}`);
  }
  assert.equal((await get(port, headers, '/?access=a;Domain=example.org')).status, 302);
});
