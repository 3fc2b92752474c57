// SPDX-License-Identifier: Apache-2.0
// Names that people read are any text, with spaces, quotes and letters of any script; lengths count characters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

const CHILD = 'Kind "bis 12" 어린이', AREA = 'Stehplätze – 스탠딩 "A"', LOT = 'Gitarre, signé "é"';

test('U4 a tariff, an area and a lot with names as customers read them are held, bought, listed and won', async (t) => {
  const world = await startBoxoffice(t, { settings: { limit: 4, tariffs: [{ name: CHILD, percent: 50, total: 10 }] } });
  const api = async (path, body) => {
    const answer = await world.admin('POST', `/api/sales/hall/${path}`, body);
    assert.equal(answer.status, 200, answer.text);
  };
  await api('stock', { item: AREA, kind: 'area', total: 5, price: 2500 });
  await api('lots', { item: LOT, price: 100, step: 10, opens_at: '2026-01-01T00:00:00Z', closes_at: '2030-01-01T00:00:00Z' });
  await until('every gateway knows them', async () => (await (await fetch(`${world.url}/api/sales/hall/stock`)).json()).stock.length === 2);
  assert.equal((await (await fetch(`${world.url}/api/sales/hall`)).json()).tariffs[0].name, CHILD);
  const person = await arrive(world);
  await person.enter();
  const key = newKey(), hold = { type: 'hold', key, seats: [{ seat: 'S-1', tariff: CHILD }] };
  const held = await person.ask(hold, 'held', 'refused', 'error');
  assert.deepEqual([held.type, held.amount], ['held', 2500]);
  assert.deepEqual(await person.ask(hold, 'held', 'refused', 'error').then(({ type, amount }) => [type, amount]), ['held', 2500], 'the same key gives the same answer');
  const taken = await until('the area is known to his gateway', async () => {
    const answer = await person.ask({ type: 'take', key: newKey(), item: AREA, count: 1 }, 'held', 'refused', 'error');
    return answer.type === 'held' && answer;
  });
  assert.deepEqual(taken.seats.sort(), ['S-1', `${AREA}-1`].sort());
  assert.equal((await person.ask({ type: 'release', key: newKey(), seats: [`${AREA}-1`] }, 'released', 'error')).type, 'released');
  await person.ask({ type: 'take', key: newKey(), item: AREA, count: 1 }, 'held');
  const bid = await person.ask({ type: 'bid', key: newKey(), lot: LOT, amount: 100, currency: 'EUR' }, 'bid', 'error');
  assert.deepEqual([bid.type, bid.lot], ['bid', LOT]);
  await person.settle(await person.checkout());
  const { tickets } = await person.next('bought');
  assert.deepEqual(tickets.map(({ seat, tariff, zone }) => [seat, tariff, zone]).sort(), [['S-1', CHILD, 'Floor'], [`${AREA}-2`, '', AREA]].sort());
  const csv = (await world.admin('GET', '/api/sales/hall/door.csv')).text;
  assert.ok(csv.includes(`"${CHILD.replaceAll('"', '""')}"`) && csv.includes(`"${AREA.replaceAll('"', '""')}"`));
  const report = (await world.admin('GET', '/api/sales/hall/report')).json;
  assert.ok(report.tariffs.some(({ tariff, tickets: n }) => tariff === CHILD && n === 1));
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets.find(({ zone }) => zone === AREA).code })).status, 200);
});

test('U4 lengths count characters, and control characters are refused', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const set = async (settings) => (await world.admin('PATCH', '/api/sales/hall', settings)).json;
  for (const [name, max] of [['title', 200], ['city', 100], ['about', 2000], ['notice', 500]]) {
    assert.ok(!(await set({ [name]: '한'.repeat(max) })).error, name);
    assert.match((await set({ [name]: '한'.repeat(max + 1) })).error.detail, new RegExp(`${name}: .*${max} characters`));
  }
  assert.equal((await set({ title: 'a\u0007b' })).error.code, 'bad_setting');
  assert.ok(!(await set({ about: 'two\nlines' })).error);
  assert.equal((await set({ tariffs: [{ name: '한'.repeat(33), percent: 50 }] })).error.code, 'bad_setting');
  assert.ok(!(await set({ tariffs: [{ name: '한'.repeat(32), percent: 50 }] })).error);
});
