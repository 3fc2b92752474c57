// SPDX-License-Identifier: Apache-2.0
// The client library outside of a browser, and from another site's page.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { Boxoffice, Refused } from '../../examples/client/boxoffice.js';
import { keepKey, keysOf, mergeTickets, replaceResume, storage } from '../../examples/client/keys.js';
import { arrive, siteToken } from '../lib/person.mjs';
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

test('U2 keys: a newer one in the place of an older to the same, no other is dropped, and what is none is not kept', () => {
  const store = keep(), place = (sub, exp = 1) => siteToken(sub, { typ: 'place', sale: 'hall', exp }), link = (order, exp = 1) => siteToken('g:me', { typ: 'link', sale: 'hall', order, exp });
  replaceResume(store, 'hall', place('g:me'));
  replaceResume(store, 'hall', place('g:me', 2));
  assert.deepEqual(keysOf(store, 'hall'), [place('g:me', 2)], 'his own, renewed');
  replaceResume(store, 'hall', place('a:me'));
  keepKey(store, 'hall', link('o:1'));
  keepKey(store, 'hall', link('o:2'));
  keepKey(store, 'hall', link('o:1', 2));
  for (const none of [undefined, null, '', 'nonsense', 'a.b.c', siteToken('g:me', { typ: 'transfer' }), siteToken('', { typ: 'place' })]) keepKey(store, 'hall', none);
  assert.deepEqual(keysOf(store, 'hall'), [place('a:me'), link('o:1', 2), link('o:2'), place('g:me', 2)]);
  for (let i = 0; i < 30; i++) replaceResume(store, 'hall', place(`g:${i}`));
  replaceResume(store, 'hall', null);
  const kept = keysOf(store, 'hall');
  assert.deepEqual(kept.slice(0, 10), Array.from({ length: 10 }, (_, i) => place(`g:${29 - i}`)), 'of those who only stood here the last ones');
  assert.deepEqual(kept.slice(10), [link('o:1', 2), link('o:2')], 'and every link');
  store.set('boxoffice.hall.keys', '{"not": "a list"');
  assert.deepEqual(keysOf(store, 'hall'), []);
});

test('U2 a storage that is full, or throws: what it does not take is as the page has it', (t) => {
  const old = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  t.after(() => (old ? Object.defineProperty(globalThis, 'localStorage', old) : delete globalThis.localStorage));
  const full = { getItem: () => 'from before', setItem() { throw new Error('full'); }, removeItem() { throw new Error('no'); } };
  for (const value of [full, undefined]) {
    Object.defineProperty(globalThis, 'localStorage', { configurable: true, value });
    storage.set('a', 1);
    assert.equal(storage.get('a'), '1');
    storage.remove('a');
    assert.equal(storage.get('a'), null);
  }
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get() { throw new Error('forbidden'); } });
  storage.set('a', 2);
  assert.equal(storage.get('a'), '2');
});

test('U2 what several keys open is one wallet: each ticket once, and what is gone by one key and there by another is there', () => {
  const seat = (name, more) => ({ seat: name, order: 'o:1', ...more });
  const buyer = { key: 'k1', tickets: [seat('S-2')], gone: [seat('S-1', { state: 'handed_on' }), seat('S-3', { state: 'void' })], links: [{ order: 'o:1', link: 'x' }] };
  const friend = { key: 'k2', tickets: [seat('S-1')], gone: [], links: [{ order: 'o:1', link: 'y' }] };
  const { tickets, gone, links } = mergeTickets([buyer, { ...buyer, key: 'k3' }, friend]);
  assert.deepEqual(tickets, [seat('S-2', { key: 'k1' }), seat('S-1', { key: 'k2' })]);
  assert.deepEqual(gone, [seat('S-3', { state: 'void' })]);
  assert.deepEqual(links, [{ order: 'o:1', link: 'x' }, { order: 'o:1', link: 'y' }], 'two people\'s links of one order');
});

test('its types are right for who uses TypeScript, strictly', () => {
  const { status, stdout } = spawnSync(path.join(root, 'tests/node_modules/.bin/tsc'), ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--types', '', 'tests/lib/client_use.ts'], { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
