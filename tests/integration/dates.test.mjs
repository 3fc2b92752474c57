// SPDX-License-Identifier: Apache-2.0
// A time is read as it is written or refused with the reason; nothing is repaired in silence, and a wrong one is never "try again".
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive } from '../lib/person.mjs';
import { createSale, makePlan, startBoxoffice, until } from '../lib/servers.mjs';

const wrong = [['2027-02-29T10:00:00Z', /no such day/], ['27-03-28T10:00:00Z', /has to look like/], ['0027-03-28T10:00:00Z', /year/],
  ['2027-13-01T10:00:00Z', /month/], ['2027-01-01T24:00:01Z', /hour/], ['2027-01-01 10:00:00Z', /has to look like/]];

test('U3 every time an operator gives is RFC 3339, with offsets, or 400 and why', async (t) => {
  const world = await startBoxoffice(t);
  const refused = async (code, detail, ...request) => {
    const answer = await world.admin(...request);
    assert.deepEqual([answer.status, answer.json.error?.code], [400, code], answer.text);
    assert.match(answer.json.error.detail, detail);
  };
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-1');
  await person.settle(await person.checkout());
  const { tickets: [{ code }] } = await person.next('bought');
  const lot = { item: 'guitar', price: 100, step: 10, opens_at: '2026-01-01T00:00:00Z', closes_at: '2030-01-01T00:00:00Z' };
  for (const [time, why] of wrong) {
    for (const name of ['opens_at', 'gathers_at', 'starts_at']) await refused('bad_setting', new RegExp(`${name}: .*${why.source}`), 'PATCH', '/api/sales/hall', { [name]: time });
    await refused('bad_setting', why, 'POST', '/api/sales', { sale: 'new', name: 'New', plan: makePlan(2), settings: { prices: { Front: 100, Back: 100 }, opens_at: time } });
    await refused('bad_message', why, 'POST', '/api/sales/hall/lots', { ...lot, closes_at: time });
    await refused('bad_message', why, 'POST', '/api/check-in', { code, at: time });
  }
  assert.equal((await world.admin('PATCH', '/api/sales/hall', { starts_at: '2027-05-01T12:00:00+02:00' })).status, 200);
  await until('it is told', async () => (await (await fetch(`${world.url}/api/sales/hall`)).json()).starts_at_ms === Date.UTC(2027, 4, 1, 10));
  assert.equal((await world.admin('POST', '/api/check-in', { code, at: '2026-05-01T21:30:00.25+02:00' })).status, 200);
  const again = await world.admin('POST', '/api/check-in', { code });
  assert.equal(again.json.error.code, 'already_checked_in');
  assert.match(JSON.stringify(again.json), /2026-05-01T19:30:00/);
});

test('a sale of before whose time was repaired goes on with it', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await createSale(world, 'old', {}, 2);
  await world.postgres.query(`UPDATE sales SET version = version + 1, settings = settings || '{"starts_at":"2027-02-29T10:00:00Z"}' WHERE id = 'old'`);
  await until('it is read', async () => (await (await fetch(`${world.url}/api/sales/old`)).json()).starts_at_ms === Date.UTC(2027, 2, 1, 10));
  assert.equal((await world.admin('PATCH', '/api/sales/old', { limit: 2 })).status, 200);
});
