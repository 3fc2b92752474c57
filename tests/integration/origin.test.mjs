// SPDX-License-Identifier: Apache-2.0
// Shops that boxoffice stands in front of: the nginx example and the Node middleware, with real servers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { admitted } from '../../examples/middleware/boxoffice.mjs';
import { arrive } from '../lib/person.mjs';
import { atEnd, freePort, root, start, startBoxoffice, temporaryFolder, until } from '../lib/servers.mjs';

async function serve(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => new Promise((done) => { server.close(done); server.closeAllConnections(); }));
  return server.address().port;
}

const get = (port, headers = {}) => new Promise((done, fail) => {
  http.get({ port, host: '127.0.0.1', path: '/', headers, agent: false }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; }).on('end', () => done({ status: response.statusCode, location: response.headers.location, text }));
  }).on('error', fail);
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
});
