// SPDX-License-Identifier: Apache-2.0
// Peers that are gone without a word, or mean harm: half-open connections, headers that never end, people who never read, connections that never speak (rule X1).
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { atEnd, root, startBoxoffice, until } from '../lib/servers.mjs';

const crowdBinary = process.env.CROWD_BINARY ?? path.join(root, 'build/bench/crowd');
const metric = async (world, name) => Number((await world.admin('GET', '/metrics')).text.match(new RegExp(`^boxoffice_${name} (\\d+)`, 'm'))?.[1]);
const connectTo = async (world, text) => {
  const socket = net.connect(world.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.closed_ = once(socket, 'close');
  await once(socket, 'connect');
  if (text) socket.write(text);
  return socket;
};

// A network of its own for the people, which can be made to swallow everything.
function startNetwork(t) {
  const id = process.pid % 60000, name = `bo${id}`, link = `bo${id}a`, prefix = `10.${100 + (id >> 14)}.${(id >> 6) & 255}`, base = (id & 63) * 4;
  const run = (...words) => execFileSync(words[0], words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  run('ip', 'netns', 'add', name);
  atEnd(t, () => run('ip', 'netns', 'del', name)); // and both ends of the link with it
  run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}b`, 'netns', name);
  run('ip', 'addr', 'add', `${prefix}.${base + 1}/30`, 'dev', link);
  run('ip', 'link', 'set', link, 'up');
  run('ip', 'netns', 'exec', name, 'ip', 'addr', 'add', `${prefix}.${base + 2}/30`, 'dev', `${link}b`);
  run('ip', 'netns', 'exec', name, 'ip', 'link', 'set', `${link}b`, 'up');
  return { name, host: `${prefix}.${base + 1}`, swallow: () => run('ip', 'neigh', 'replace', `${prefix}.${base + 2}`, 'lladdr', '02:00:00:00:00:01', 'dev', link, 'nud', 'permanent') }; // to nobody
}

test('X1 L6 people whose network vanishes without a word: noticed, their places kept', { skip: process.getuid() !== 0 && 'needs a network namespace' }, async (t) => {
  const world = await startBoxoffice(t, { config: { listen_host: '0.0.0.0', dead_peer_ms: 5000 }, settings: { policy: 'capacity', capacity: 0 } });
  const network = startNetwork(t);
  const crowd = spawn('ip', ['netns', 'exec', network.name, crowdBinary, '--people', '20', '--wait', '--host', network.host, '--port', world.port, '--sale', 'hall', '--limit', '60'].map(String), { stdio: 'ignore' });
  atEnd(t, () => {
    crowd.kill('SIGKILL');
    return once(crowd, 'close');
  });
  await until('they stand in line', async () => (await metric(world, 'waiting_connections')) === 20);
  network.swallow();
  await until('it is noticed', async () => (await metric(world, 'connections')) === 0, 40000);
  await until('they are away, and keep their places', async () => (await world.redis.client.zcard('bo:{hall}:absent')) === 20);
  assert.equal(await world.redis.client.zcard('bo:{hall}:line'), 20);
});

test('X1 headers that never end, and connections that never speak, are cut; whoever comes meanwhile is served', async (t) => {
  const world = await startBoxoffice(t);
  const slow = await Promise.all(Array.from({ length: 50 }, () => connectTo(world, 'GET /ws HTTP/1.1\r\nHost: ')));
  const dripping = setInterval(() => slow.forEach((socket) => socket.writable && socket.write('x')), 500);
  atEnd(t, () => clearInterval(dripping));
  const silent = await Promise.all(Array.from({ length: 500 }, () => connectTo(world)));
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
  await Promise.all([...slow, ...silent].map((socket) => Promise.race([socket.closed_, new Promise((_, fail) => setTimeout(() => fail(new Error('not cut within 40 s')), 40000).unref())])));
  const joinless = await arrive(world, false);
  assert.equal((await joinless.closed).code, 4003, 'who does not join is told why');
});

test('X1 somebody who never reads is cut before he costs much, and keeps his place', async (t) => {
  const world = await startBoxoffice(t, { seats: 5000, config: { messages_per_10s: 10000 }, settings: { policy: 'capacity', capacity: 0 } });
  const socket = await connectTo(world, 'GET /ws?sale=hall HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  await once(socket, 'readable');
  socket.pause();
  const map = Buffer.from('{"type":"map"}'), frame = Buffer.concat([Buffer.from([0x81, 0x80 | map.length, 0, 0, 0, 0]), map]);
  const asking = setInterval(() => socket.writable && socket.write(Buffer.concat(Array(50).fill(frame))), 20);
  atEnd(t, () => {
    clearInterval(asking);
    socket.destroy();
  });
  await until('he is cut', async () => (await metric(world, 'slow_readers_total')) === 1);
  assert.equal(await world.redis.client.zcard('bo:{hall}:line'), 1);
  assert.equal((await arrive(world)).number, 2);
});

test('X1 somebody who asks for a large answer and reads nothing of it is cut, and whoever reads gets all of it', async (t) => {
  const world = await startBoxoffice(t, { seats: 30000, config: { gateways: 1 } });
  const size = (await (await fetch(`${world.url}/api/sales/hall/plan`, { headers: { 'accept-encoding': 'identity' } })).arrayBuffer()).byteLength;
  const requests = 4; // on one connection: more than the kernel keeps, whatever it is set to
  const socket = await connectTo(world);
  atEnd(t, () => socket.destroy());
  socket.pause();
  socket.write('GET /api/sales/hall/plan HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(requests));
  await until('it is cut', async () => (await metric(world, 'slow_readers_total')) === 1, 60000);
  let read = 0;
  socket.on('data', (data) => { read += data.length; });
  socket.resume();
  await socket.closed_;
  assert.ok(read < size * requests, `${read} of ${size * requests}`);
});
