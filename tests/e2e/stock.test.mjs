// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { arrive, newKey } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

const take = (person, item, count = 1) => person.ask({ type: 'take', key: newKey(), item, count }, 'held', 'granted', 'refused', 'error');

async function inside(world) {
  const person = await arrive(world);
  await person.enter();
  return person;
}

// A connection of its own each time: the gateways answer in turn.
const stockOf = (world) => new Promise((done, fail) => {
  http.get(`${world.url}/api/sales/hall/stock`, { agent: false }, async (response) => {
    let text = '';
    for await (const part of response) text += part;
    done(JSON.parse(text).stock);
  }).on('error', fail);
});
const known = (world, item) => until(`every gateway knows ${item}`, async () => {
  for (let i = 0; i < 30; i++) if (!(await stockOf(world)).some((one) => one.item === item)) return false;
  return true;
});

test('S5 places of an area are taken, paid together with seats, and are tickets like others', async (t) => {
  const world = await startBoxoffice(t, { settings: { limit: 4 } });
  const set = (body) => world.admin('POST', '/api/sales/hall/stock', body);
  assert.deepEqual((await set({ item: 'Standing', kind: 'area', total: 5, price: 2500, limit: 2 })).json, { item: 'Standing', left: 5 });
  const like = (await set({ item: 'S', kind: 'area', total: 5, price: 2500 })).json.error;
  assert.deepEqual([like.code, like.detail], ['item_like_seat', 'a seat of the plan: S-1'], 'a place would be called like a seat');
  const at = (ms) => new Date(Date.now() + ms).toISOString().replace(/\.\d+/, '');
  const lot = await world.admin('POST', '/api/sales/hall/lots', { item: 'S', price: 100, step: 100, opens_at: at(0), closes_at: at(60000) });
  assert.equal(lot.json.error.code, 'item_like_seat');
  await known(world, 'Standing');
  const person = await inside(world);
  const held = await take(person, 'Standing', 2);
  assert.deepEqual([held.seats, held.amount], [['Standing-1', 'Standing-2'], 5000]);
  assert.deepEqual(await take(person, 'Standing').then(({ type, code, left }) => [type, code, left]), ['refused', 'limit_reached', 0]);
  assert.equal((await person.ask({ type: 'release', key: newKey(), seats: ['Standing-1'] }, 'released')).amount, 2500);
  assert.equal((await person.hold('S-1')).amount, 7500);
  assert.equal((await person.hold('Standing-3')).code, 'unknown_seat', 'places are taken, not chosen');
  assert.equal((await set({ item: 'Standing', kind: 'area', total: 0, price: 2500 })).json.error.code, 'stock_below_given');
  await person.settle(await person.checkout());
  const { tickets } = await person.next('bought');
  assert.deepEqual(tickets.map(({ seat, zone, number, price }) => [seat, zone, number, price]).sort(), [['S-1', 'Floor', '1', 5000], ['Standing-2', 'Standing', '2', 2500]]);
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets.find(({ zone }) => zone === 'Standing').code })).status, 200);
  assert.match((await world.admin('GET', '/api/sales/hall/door.csv')).text, /"Standing-2","Standing","","2","Standing"/);
  await world.countsBecome({ free: 103 });
});

test('S5 a coupon is granted once for each key, told when PostgreSQL has it, and taken back by the operator', async (t) => {
  const world = await startBoxoffice(t);
  await world.admin('POST', '/api/sales/hall/stock', { item: 'coupon', kind: 'coupon', total: 2, limit: 1 });
  await known(world, 'coupon');
  const [one, two] = await Promise.all([inside(world), inside(world)]);
  const granted = await one.ask({ type: 'take', key: 'once', item: 'coupon', count: 1 }, 'granted');
  assert.deepEqual(granted, { type: 'granted', key: 'once', item: 'coupon', count: 1, number: 1 });
  assert.deepEqual(await one.ask({ type: 'take', key: 'once', item: 'coupon', count: 1 }, 'granted'), granted);
  assert.equal((await world.postgres.query('SELECT count(*)::int AS n FROM grants'))[0].n, 1);
  assert.equal((await take(one, 'coupon')).code, 'limit_reached');
  const api = (path, body) => world.admin('POST', `/api/sales/hall/${path}`, body);
  assert.deepEqual((await api('grants', { grant: 'x', person: 'u:ada', item: 'coupon' })).json, { item: 'coupon', count: 1, number: 2, taken_back: false });
  assert.equal((await take(two, 'coupon')).code, 'stock_gone');
  assert.equal((await api('grants/back', { grant: 'x' })).json.taken_back, true);
  assert.equal((await api('grants/back', { grant: 'y' })).json.error.code, 'unknown_grant');
  assert.equal((await take(two, 'coupon')).number, 3);
  const mine = await (await fetch(`${world.url}/api/sales/hall/grants`, { headers: { authorization: `Bearer ${one.resume}` } })).json();
  assert.deepEqual(mine.grants, [{ item: 'coupon', kind: 'coupon', count: 1, number: 1, taken_back: false }]);
  for (const [code, path, body] of [['bad_message', 'stock', { item: 'a\nb', kind: 'area', total: 1 }], ['bad_message', 'stock', { item: 'x', kind: 'gold', total: 1 }],
    ['bad_message', 'stock', { item: 'x', kind: 'area', total: -1 }], ['stock_exists', 'stock', { item: 'coupon', kind: 'area', total: 9 }], ['bad_json', 'stock', '{'],
    ['unknown_item', 'grants', { grant: 'z', person: 'u:ada', item: 'none' }], ['key_reused', 'grants', { grant: 'x', person: 'u:bob', item: 'coupon' }]])
    assert.equal((await api(path, body)).json.error.code, code);
  assert.equal((await one.ask({ type: 'take', key: newKey(), item: 'coupon', count: 1001 }, 'error')).code, 'too_large');
  assert.equal((await one.ask({ type: 'take', key: newKey(), item: 'none', count: 1 }, 'error')).code, 'unknown_item');
});

test('S7 bidding: prices are pushed, the clock closes it, the winner pays and has a ticket; a lapsed winner makes room for the next', async (t) => {
  const world = await startBoxoffice(t);
  const lot = (body) => world.admin('POST', '/api/sales/hall/lots', { opens_at: new Date(Date.now() - 1000).toISOString(), step: 100, price: 1000, ...body });
  assert.equal((await lot({ item: 'guitar', closes_at: new Date(Date.now() + 6000).toISOString(), pay_ms: 1500, most: 9000 })).status, 200);
  await known(world, 'guitar');
  const [one, two] = await Promise.all([inside(world), inside(world)]);
  for (const person of [one, two]) await person.ask({ type: 'map' }, 'map');
  const bid = (person, amount, currency = 'EUR', key = newKey()) => person.ask({ type: 'bid', key, lot: 'guitar', amount, currency }, 'bid', 'error');
  assert.equal((await bid(one, 1000)).type, 'bid');
  assert.deepEqual(await two.next('lot').then(({ lot: name, highest, least, leading }) => [name, highest, least, leading]), ['guitar', 1000, 1100, false]);
  assert.equal((await one.next('lot')).leading, true);
  assert.deepEqual(await bid(two, 1050).then(({ code, least }) => [code, least]), ['bid_too_low', 1100]);
  assert.deepEqual(await bid(two, 9001).then(({ code, most }) => [code, most]), ['bid_too_high', 9000]);
  assert.equal((await bid(two, 2000, 'USD')).code, 'wrong_currency');
  assert.equal((await bid(two, -5)).code, 'bad_message');
  assert.equal((await bid(two, 1500)).type, 'bid');
  assert.equal((await lot({ item: 'guitar', closes_at: new Date(Date.now() + 60000).toISOString() })).json.error.code, 'lot_running');
  const won = await two.next('won');
  assert.deepEqual([won.lot, won.amount], ['guitar', 1500]);
  assert.equal((await bid(one, 3000)).code, 'lot_closed');
  assert.equal((await two.next('order_failed')).reason, 'expired', 'he does not pay');
  const next = await one.next('won');
  assert.equal(next.amount, 1000);
  assert.equal((await two.ask({ type: 'checkout', key: newKey(), order: next.order }, 'pay', 'error')).code, 'unknown_order');
  await one.settle(await one.ask({ type: 'checkout', key: newKey(), order: next.order }, 'pay'));
  assert.deepEqual((await one.next('bought')).tickets.map(({ seat, price }) => [seat, price]), [['guitar-1', 1000]]);
  assert.equal((await one.hold('S-1')).type, 'held', 'and he still chooses');
  assert.equal((await stockOf(world))[0].state, 'sold');
  assert.equal((await lot({ item: 'late', closes_at: new Date(Date.now() - 5000).toISOString() })).status, 400);
});
