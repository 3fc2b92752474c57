// SPDX-License-Identifier: Apache-2.0
// Money means the same for everybody: the server says the digits, and a price that can never be charged is refused when it is set.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey } from '../lib/person.mjs';
import { createSale, makePlan, startBoxoffice, until } from '../lib/servers.mjs';

const get = async (url) => (await fetch(url)).json();

test('S4 wherever a currency is named, its digits by ISO 4217 stand beside it', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 }, settings: { currency: 'HUF', prices: { Front: 500000, Back: 300000 } } });
  assert.deepEqual([(await get(`${world.url}/api/sales/hall`)).digits, (await get(`${world.url}/api/sales/hall/plan`)).digits], [2, 2]);
  assert.equal((await get(`${world.url}/api/events`)).events[0].shows[0].digits, 2);
  const person = await arrive(world);
  await person.enter();
  const held = await person.hold('S-1');
  assert.deepEqual([held.amount, held.currency, held.digits], [500000, 'HUF', 2]);
  const pay = await person.checkout();
  assert.deepEqual([pay.currency, pay.digits], ['HUF', 2]);
  await person.settle(pay);
  const { order } = await person.next('bought');
  assert.equal((await world.admin('GET', `/api/orders/${order}`)).json.digits, 2);
  assert.equal((await world.admin('GET', '/api/sales/hall/report')).json.digits, 2);
  assert.equal((await world.admin('GET', `/api/search?q=${order}`)).json.orders[0].digits, 2);
  assert.equal((await world.admin('GET', `/api/sales/hall/people/${person.person}`)).json.orders[0].digits, 2);
  const [head, line] = (await world.admin('GET', '/api/sales/hall/door.csv')).text.split('\r\n');
  assert.match(head, /,currency,digits$/);
  assert.match(line, /,HUF,2$/);
  await world.admin('POST', '/api/sales/hall/refund', { order, refund: 'r', amount: 1000, seats: ['S-1'] });
  const refunded = await person.next('refunded');
  assert.deepEqual([refunded.currency, refunded.digits], ['HUF', 2]);
  await createSale(world, 'iceland', { currency: 'ISK', prices: { Front: 5000, Back: 3000 } });
  assert.equal((await get(`${world.url}/api/sales/iceland`)).digits, 0);
});

test('O6 a currency nobody has, or a price nobody can pay, is refused with a sentence that names it', async (t) => {
  const world = await startBoxoffice(t);
  const refused = async (method, path, body, detail) => {
    const answer = await world.admin(method, path, body);
    assert.deepEqual([answer.status, answer.json.error?.code], [400, 'bad_setting'], answer.text);
    assert.match(answer.json.error.detail, detail);
  };
  const make = (settings) => ['POST', '/api/sales', { sale: 'new', name: 'New', plan: makePlan(2), settings }];
  await refused(...make({ prices: { Front: 5000, Back: 3000 }, currency: 'ABC' }), /currency: "ABC".*ISO 4217/);
  await refused(...make({ prices: { Front: 5000, Back: 49 } }), /category "Back": 49 .*50/);
  await refused(...make({ prices: { Front: 5000, Back: 3000 }, tariffs: [{ name: 'child', price: 1 }] }), /"child"/);
  await refused('PATCH', '/api/sales/hall', { currency: 'HUF' }, /category "Front": 5000 /);
  await refused('POST', '/api/sales/hall/stock', { item: 'Standing', kind: 'area', total: 5, price: 20 }, /price: 20 /);
  const lot = { item: 'guitar', step: 10, opens_at: '2026-01-01T00:00:00Z', closes_at: '2030-01-01T00:00:00Z' };
  await refused('POST', '/api/sales/hall/lots', { ...lot, price: 20 }, /price: 20 /);
  assert.equal((await world.admin('POST', '/api/sales/hall/stock', { item: 'Standing', kind: 'area', total: 5, price: 5000 })).status, 200);
  await until('the area is known', async () => (await get(`${world.url}/api/sales/hall/stock`)).stock.length === 1);
  await refused('PATCH', '/api/sales/hall', { currency: 'HUF', prices: { Front: 500000, Back: 300000 } }, /item "Standing"/);
});

test('O6 a bid that could be won and never be paid is too low', async (t) => {
  const world = await startBoxoffice(t);
  const lot = { item: 'guitar', price: 0, step: 10, opens_at: '2026-01-01T00:00:00Z', closes_at: '2030-01-01T00:00:00Z' };
  assert.equal((await world.admin('POST', '/api/sales/hall/lots', lot)).status, 200);
  const person = await arrive(world);
  await person.enter();
  const bid = (amount) => person.ask({ type: 'bid', key: newKey(), lot: 'guitar', amount, currency: 'EUR' }, 'bid', 'error');
  const low = await bid(49);
  assert.deepEqual([low.code, low.least], ['bid_too_low', 50]);
  assert.equal((await bid(50)).type, 'bid');
});

test('a sale of before, in a currency that is gone and with prices too low, goes on as it is', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await createSale(world, 'old', {}, 2);
  await world.postgres.query(`UPDATE sales SET version = version + 1, settings = settings || '{"currency":"BGN","prices":{"Front":5,"Back":3}}' WHERE id = 'old'`);
  await until('it is read', async () => (await get(`${world.url}/api/sales/old`)).currency === 'BGN');
  assert.equal((await get(`${world.url}/api/sales/old`)).digits, 2);
  assert.equal((await world.admin('PATCH', '/api/sales/old', { limit: 2 })).status, 200);
  const person = await arrive(world, { sale: 'old' });
  assert.equal((await person.enter()).type, 'entered');
});
