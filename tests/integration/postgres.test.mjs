// SPDX-License-Identifier: Apache-2.0
// Several PostgreSQL servers, and those that accept a connection and then say nothing (rule P4).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { childrenOf } from '../lib/parts.mjs';
import { arrive, Person } from '../lib/person.mjs';
import { atEnd, freePort, startBoxoffice, startPostgres, temporaryFolder, until } from '../lib/servers.mjs';
import { startWire } from '../lib/wire.mjs';

const wireTo = (t, postgres) => startWire(t, path.join(postgres.folder, '.s.PGSQL.5432'));

// Accepts and never says a word.
async function startSilence(t) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return { port: server.address().port, sockets };
}

// A server that is starting up: libpq goes on to the next host. While hold is set it does not say so yet.
async function startStartingUp(t) {
  const fields = 'SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0', error = Buffer.alloc(5 + fields.length);
  error.write('E');
  error.writeInt32BE(4 + fields.length, 1);
  error.write(fields, 5, 'latin1');
  const starting = { hold: false, held: [], release() {
    starting.hold = false;
    starting.held.splice(0).forEach((socket) => socket.end(error));
  } };
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => void (starting.hold ? starting.held.push(socket) : socket.end(error)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    starting.held.forEach((socket) => socket.destroy());
    server.close();
  });
  return Object.assign(starting, { port: server.address().port });
}

// first: the port of what stands in front of the server that works.
async function startBehind(t, first, more) {
  return startBoxoffice(t, { config: { gateways: 1 }, rewire: async (config, { postgres }) => {
    const wire = await wireTo(t, postgres);
    config.postgres = `host=127.0.0.1,127.0.0.1 port=${first},${wire.port} user=boxoffice dbname=postgres ${more}`;
  } });
}

test('of several hosts the first may refuse connections: the next one is taken', async (t) => {
  const world = await startBehind(t, await freePort(), 'target_session_attrs=read-write');
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
  assert.equal((await world.admin('GET', '/api/audit')).status, 200, 'the connection for operators, too');
});

test('of several hosts the first may be a standby: the primary is taken', async (t) => {
  const folder = temporaryFolder(t);
  const standby = await startPostgres(t, folder, ['-c', 'max_connections=100'], (data) => fs.writeFileSync(path.join(data, 'standby.signal'), ''));
  assert.equal((await standby.query('SELECT pg_is_in_recovery() AS so'))[0].so, true);
  const world = await startBoxoffice(t, { rewire: (config, { postgres }) => {
    config.postgres = `host=${standby.folder},${postgres.folder} user=boxoffice dbname=postgres target_session_attrs=read-write`;
  } });
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
});

test('the next host is another socket, also in the middle of connecting', async (t) => {
  const starting = await startStartingUp(t);
  let wire;
  const world = await startBoxoffice(t, { config: { gateways: 1, scribes: 1 }, rewire: async (config, { postgres }) => {
    wire = await wireTo(t, postgres);
    config.postgres = `host=127.0.0.1,127.0.0.1 port=${starting.port},${wire.port} user=boxoffice dbname=postgres sslmode=disable connect_timeout=60`;
  } });
  const [gateway] = childrenOf(world, 'gateway'), files = () => fs.readdirSync(`/proc/${gateway}/fd`).length;
  const connect = async (count) => {
    const before = files(), sockets = Array.from({ length: count }, () => net.connect(world.port, '127.0.0.1').on('error', () => {}));
    sockets.forEach((socket) => socket.write('GET /api/sales HTTP/1.1\r\nHost: x\r\n\r\n')); // else the kernel keeps them to itself
    await until('taken in', () => files() >= before + count / 2);
    return sockets;
  };
  const idle = await connect(100);
  wire.cut();
  await until('away', async () => !(await world.admin('GET', '/health')).json.postgres);
  const others = await connect(40); // they take what numbers are free below
  atEnd(t, () => others.forEach((socket) => socket.destroy()));
  starting.hold = true;
  await until('gateway and scribe connect', () => starting.held.length >= 2);
  wire.heal();
  const most = files();
  idle.forEach((socket) => socket.destroy());
  await until('files are free', () => files() <= most - 20);
  starting.release();
  await until('connected', async () => (await world.admin('GET', '/health')).json.postgres);
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
});

test('a primary that becomes read-only is left, and nothing is put aside', async (t) => {
  const world = await startBoxoffice(t);
  const readOnly = async (value) => {
    await world.postgres.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await world.postgres.query('SELECT pg_reload_conf()');
    await until(`read-only is ${value}`, async () => (await world.postgres.query('SHOW default_transaction_read_only'))[0].default_transaction_read_only === value);
  };
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-1');
  const pay = await person.checkout();
  await readOnly('on');
  assert.equal((await world.admin('PATCH', '/api/sales/hall', { limit: 2 })).json.error.code, 'unavailable', 'worth repeating');
  await person.settle(pay);
  await until('refused for that', () => world.child.output.includes('read-only transaction'));
  await readOnly('off');
  assert.equal((await person.next('bought')).order, pay.order);
  assert.equal((await world.postgres.query('SELECT count(*)::int AS n FROM dead_letters'))[0].n, 0);
});

test('a host that accepts connections and says nothing is given up, and the next one is taken', async (t) => {
  const silence = await startSilence(t);
  const world = await startBehind(t, silence.port, 'connect_timeout=2');
  assert.ok(silence.sockets.size >= 3, 'supervisor, gateways and scribe have tried it first');
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
});

test('a connection that goes silent is given up by gateways and scribe, and everything goes on when it is mended', async (t) => {
  let wire;
  const world = await startBoxoffice(t, { config: { gateways: 1 }, rewire: async (config, { postgres }) => {
    wire = await wireTo(t, postgres);
    config.postgres = `host=127.0.0.1 port=${wire.port} user=boxoffice dbname=postgres connect_timeout=2`;
  } });
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-1');
  const pay = await person.checkout();
  wire.stand();
  await person.settle(pay);
  const asked = fetch(`${world.url}/api/sales/hall/tickets`, { headers: { authorization: `Bearer ${person.resume}` } });
  assert.equal((await (await asked).json()).error.code, 'unavailable');
  assert.equal((await world.admin('GET', '/api/audit')).json.error.code, 'unavailable');
  assert.equal((await world.admin('GET', '/health')).json.postgres, false);
  await until('the scribe has noticed', () => world.child.output.includes('postgres says nothing for 20 s'), 60000);
  wire.heal();
  await until('healthy', async () => (await world.admin('GET', '/health')).json.postgres, 60000);
  assert.equal((await person.next('bought')).order, pay.order);
});
