// SPDX-License-Identifier: Apache-2.0
// The client library outside of a browser, and from another site's page.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { Boxoffice, Refused } from '../../examples/client/boxoffice.js';
import { arrive } from '../lib/person.mjs';
import { root, startBoxoffice } from '../lib/servers.mjs';

function keep() {
  const kept = new Map();
  return { get: (name) => kept.get(name) ?? null, set: (name, value) => kept.set(name, String(value)), remove: (name) => kept.delete(name) };
}

const next = (line, type) => new Promise((done) => { line.addEventListener(type, ({ detail }) => done(detail), { once: true }); });

function open(t, world, options = {}) {
  const line = new Boxoffice({ server: world.url, sale: 'hall', storage: keep(), WebSocket, ...options });
  t.after(() => line.close());
  return line;
}

test('in Node: in line, inside, hold, refused, checkout, bought; commands survive a restart of the server', async (t) => {
  const world = await startBoxoffice(t, { payments: ['--auto', '1', '--delay', '50-100'] });
  const other = await arrive(world);
  await other.enter();
  await other.hold('S-9');
  const line = open(t, world), admitted = next(line, 'admitted'), entered = next(line, 'entered');
  line.join();
  await admitted;
  line.enter();
  await entered;
  assert.equal(line.stage, 'choose');
  const held = await line.hold(['S-1', 'S-2']);
  assert.deepEqual(held.seats, ['S-1', 'S-2']);
  await assert.rejects(line.hold(['S-9']), (refused) => refused instanceof Refused && refused.code === 'seat_taken' && refused.answer.seats[0] === 'S-9');
  const back = next(line, 'joined');
  await world.stop();
  const command = line.release(['S-2']); // nobody is there to hear it
  world.startAgain();
  await world.healthy();
  await back;
  assert.deepEqual((await command).seats, ['S-1']);
  const bought = next(line, 'bought');
  assert.equal((await line.checkout()).amount, 5000);
  assert.equal((await bought).tickets[0].seat, 'S-1');
  assert.equal(line.stage, 'bought');
  assert.equal((await line.tickets())[0].seat, 'S-1');
  assert.equal((await line.describe()).name, 'Sale hall');
  assert.equal((await line.plan()).seats.length, 100);
});

test('the place is taken up again with what was kept, and a new one is asked for only when it is wished', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const storage = keep(), first = open(t, world, { storage }), joined = next(first, 'joined');
  first.join();
  const { person, number } = await joined;
  first.close();
  const second = open(t, world, { storage }), again = next(second, 'joined');
  second.join();
  assert.deepEqual([(await again).person, (await again).number], [person, number]);
  const left = next(second, 'left');
  second.leave();
  await left;
  assert.equal(second.stage, 'out');
  const anew = next(second, 'joined');
  second.join({ again: true });
  assert.equal((await anew).number, number + 1);
});

test('a wrong sale, a wrong token and a full entry are told, and the last is tried again by itself', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0, entry_per_s: 2 }, config: { gateways: 1 } });
  const wrong = open(t, world, { sale: 'none' }), told = next(wrong, 'error');
  wrong.join();
  assert.equal((await told).code, 'unknown_sale');
  await assert.rejects(wrong.describe(), ({ code }) => code === 'unknown_sale');
  const lines = Array.from({ length: 5 }, () => open(t, world)), all = lines.map((line) => next(line, 'joined'));
  let back = 0;
  for (const line of lines) {
    line.addEventListener('error', ({ detail }) => { back += detail.code === 'try_later'; });
    line.join();
  }
  await Promise.all(all);
  assert.ok(back > 0);
});

test('pages of other sites may read what is nobody\'s secret, and nothing else', async (t) => {
  const world = await startBoxoffice(t);
  for (const [where, open_] of [['/api/sales', true], ['/api/sales/hall', true], ['/api/sales/hall/plan', true], ['/api/events', true], ['/client/boxoffice.js', true], ['/client/embed.js', true], ['/api/sales/hall/tickets', false], ['/api/accounts/me', false], ['/', false]])
    assert.equal((await fetch(`${world.url}${where}`)).headers.get('access-control-allow-origin'), open_ ? '*' : null, where);
});

test('its types are right for who uses TypeScript, strictly', () => {
  const { status, stdout } = spawnSync(path.join(root, 'tests/node_modules/.bin/tsc'), ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--types', '', 'tests/lib/client_use.ts'], { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
