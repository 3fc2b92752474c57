// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSale, startBoxoffice, until } from '../lib/servers.mjs';

test('shows stand together as events, are found by their words, city and time, and drafts stay hidden', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const day = (n) => new Date(Date.UTC(2027, 0, n, 19)).toISOString();
  await createSale(world, 'night-1', { event: 'aurora', title: 'Aurora & Friends', venue: 'Great Hall', city: '서울', starts_at: day(1), about: 'With <b>strings</b>' });
  await createSale(world, 'night-2', { event: 'aurora', title: 'Aurora & Friends', venue: 'Great Hall', city: '서울', starts_at: day(2) });
  await createSale(world, 'other', { venue: 'Small Hall', city: 'Berlin', starts_at: day(3) });
  const find = async (query = '') => (await (await fetch(`${world.url}/api/events${query}`)).json()).events?.map(({ event, shows }) => [event, shows.map(({ sale }) => sale)]);
  assert.deepEqual(await find(), [['hall', ['hall']], ['aurora', ['night-1', 'night-2']], ['other', ['other']]]);
  assert.deepEqual(await find('?q=AURORA+friends'), [['aurora', ['night-1', 'night-2']]]);
  assert.deepEqual(await find('?q=strings%20great'), [['aurora', ['night-1']]]);
  assert.deepEqual(await find(`?city=${encodeURIComponent('서울')}`), [['aurora', ['night-1', 'night-2']]]);
  assert.deepEqual(await find(`?from=${Date.UTC(2027, 0, 2)}&to=${Date.UTC(2027, 0, 3)}`), [['aurora', ['night-2']]]);
  assert.deepEqual(await find('?q=nothing'), []);
  assert.equal((await fetch(`${world.url}/api/events?from=soon`)).status, 400);
  assert.ok((await fetch(`${world.url}/api/events?q=%zz%2&city=%`)).status < 500);
  const [, { title, about, shows }] = (await (await fetch(`${world.url}/api/events`)).json()).events;
  assert.deepEqual([title, about, shows[0].price_from, shows[0].price_to], ['Aurora & Friends', 'With <b>strings</b>', 3000, 5000]);
  await world.admin('POST', '/api/sales', { sale: 'secret', name: 'Secret', plan: { name: 'x', categories: [{ name: 'A' }], size: {}, zones: [{ name: 'z', rows: [{ seats: [{ seat_guid: '1', category: 'A', position: { x: 0, y: 0 } }] }] }] }, settings: { prices: { A: 100 } } });
  await until('known', async () => (await fetch(`${world.url}/api/sales/secret`)).status === 200);
  assert.deepEqual(await find('?q=secret'), []);
  assert.equal((await world.admin('PATCH', '/api/sales/other', { venue: 'x'.repeat(201) })).json.error.code, 'bad_setting');
});
