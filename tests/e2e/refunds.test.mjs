// SPDX-License-Identifier: Apache-2.0
// Money that goes back: to the right order, as often as it should, and seats that do or do not go with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

test('O5 the same refund id for two orders is two refunds, and both are paid', async (t) => {
  const world = await startBoxoffice(t);
  for (const seat of ['S-1', 'S-2']) {
    const { order } = await (await new Person(world).connect()).buy(seat);
    const answer = await world.admin('POST', '/api/sales/hall/refund', { order, refund: 'r1', seats: [seat] });
    assert.deepEqual([answer.status, answer.json.order], [200, 'refunded']);
  }
  await until('both are made', async () => (await world.postgres.query("SELECT count(*)::int AS n FROM refunds WHERE id = 'r1' AND status = 'done'"))[0].n === 2);
  const { payments, refunded } = await (await fetch(`${world.payments.url}/payments`)).json();
  assert.deepEqual([payments, refunded], [2, 2]);
});

const back = (world, body) => world.admin('POST', '/api/sales/hall/refund', body);
const made = (world, amount) => until('it is made', async () => (await world.postgres.query("SELECT sum(amount)::int AS n FROM refunds WHERE status = 'done'"))[0].n === amount);

test('O5 a refund of an amount only is made, and the tickets stay', async (t) => {
  const world = await startBoxoffice(t);
  const person = await new Person(world).connect();
  const { order } = await person.buy('S-1', 'S-2');
  assert.deepEqual((await back(world, { order, refund: 'a', amount: 300 })).json, { order: 'part_refunded', amount: 300 });
  assert.equal((await person.next('refunded')).amount, 300);
  await made(world, 300);
  assert.deepEqual(await world.postgres.query('SELECT count(*)::int AS n FROM tickets'), [{ n: 2 }]);
  assert.deepEqual(await world.postgres.query('SELECT count(*)::int AS n FROM dead_letters'), [{ n: 0 }]);
});

test('O5 all the money for one of two seats, and then the other seat without any', async (t) => {
  const world = await startBoxoffice(t);
  const { order } = await (await new Person(world).connect()).buy('S-1', 'S-2');
  assert.deepEqual((await back(world, { order, refund: 'a', seats: ['S-1'], amount: 10000 })).json, { order: 'part_refunded', amount: 10000 });
  assert.deepEqual((await back(world, { order, refund: 'b', seats: ['S-2'], amount: 0 })).json, { order: 'refunded', amount: 0 });
  assert.equal((await back(world, { order, refund: 'b', seats: ['S-2'], amount: 1 })).json.error.code, 'key_reused');
  assert.equal((await back(world, { order, refund: 'vain:p', amount: 1 })).json.error.code, 'bad_message');
  assert.equal((await back(world, { order, refund: 'c', amount: 0 })).json.error.code, 'bad_message');
  await made(world, 10000);
});

test('a buyer whose order was refunded in part comes back and hears of his order and his ticket', async (t) => {
  const world = await startBoxoffice(t);
  const person = await new Person(world).connect();
  const { order } = await person.buy('S-1', 'S-2');
  await back(world, { order, refund: 'a', seats: ['S-1'] });
  const partly = await arrive(world, { resume: person.resume });
  assert.deepEqual((await partly.next('bought', 'order_failed')).tickets?.map(({ seat }) => seat), ['S-2']);
  await back(world, { order, refund: 'b', seats: ['S-2'] });
  const wholly = await arrive(world, { resume: person.resume });
  assert.equal((await wholly.next('bought', 'order_failed')).reason, 'refunded');
});

test('O4 a ticket that was let in is refunded only when that is meant', async (t) => {
  const world = await startBoxoffice(t);
  const { order, tickets: [{ code }, other] } = await (await new Person(world).connect()).buy('S-1', 'S-2');
  const door = (body) => world.admin('POST', '/api/check-in', body);
  assert.equal((await door({ code, undo: 'yes' })).json.error.code, 'bad_message');
  const first = await door({ code });
  assert.match(first.json.checked_in_at, /^\d{4}-\d\d-\d\dT/);
  const refused = await back(world, { order, refund: 'a', seats: ['S-1', 'S-2'] });
  assert.deepEqual([refused.status, refused.json.error.code], [409, 'already_checked_in']);
  assert.match(refused.json.error.detail, /^used: S-1;/);
  assert.equal((await door({ code, undo: true })).json.checked_in_at, null);
  assert.equal((await world.admin('POST', '/api/tickets/check', { code })).json.checked_in_at, null);
  assert.equal((await door({ code, at: '2026-05-01T19:30:00Z', gate: 'west' })).json.checked_in_at, '2026-05-01T19:30:00Z');
  assert.deepEqual(await world.postgres.query("SELECT checked_in_at = '2026-05-01T19:30:00Z' AS at, checked_in_by AS by FROM tickets WHERE seat = 0"), [{ at: true, by: 'west' }]);
  await world.postgres.query('UPDATE tickets SET checked_in_at = now() WHERE seat = 1'); // as version 0.1.0 did
  const known = await back(world, { order, refund: 'a', seats: ['S-1', 'S-2'] });
  assert.match(known.json.error.detail, /^used: S-1, S-2;/);
  assert.equal((await door({ code: other.code })).json.error.code, 'already_checked_in');
  assert.deepEqual((await back(world, { order, refund: 'a', seats: ['S-1', 'S-2'], force: true })).json, { order: 'refunded', amount: 10000 });
  assert.equal((await door({ code })).json.error.code, 'ticket_void');
});

test('O6 who has nothing to pay has bought at once, without the payment service', async (t) => {
  const world = await startBoxoffice(t, { settings: { tariffs: [{ name: 'baby', percent: 0 }] } });
  await world.payments.child.stop();
  const person = await arrive(world);
  await person.enter();
  await person.ask({ type: 'hold', key: newKey(), seats: [{ seat: 'S-1', tariff: 'baby' }] }, 'held', 'refused');
  assert.equal((await person.ask({ type: 'checkout', key: newKey() }, 'free', 'pay', 'error')).type, 'free');
  const { order, tickets } = await person.next('bought');
  assert.deepEqual(tickets.map(({ seat, price }) => [seat, price]), [['S-1', 0]]);
  assert.deepEqual(await world.postgres.query('SELECT status, payment, amount::int FROM orders'), [{ status: 'paid', payment: null, amount: 0 }]);
  assert.deepEqual((await back(world, { order, refund: 'a', seats: ['S-1'] })).json, { order: 'refunded', amount: 0 });
  assert.deepEqual(await world.postgres.query('SELECT status, amount::int FROM refunds'), [{ status: 'done', amount: 0 }]);
});

test('an order that a browser names and that it has not won is unknown, in every sale', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-1');
  assert.equal((await person.ask({ type: 'checkout', key: newKey(), order: 'o:anything' }, 'pay', 'error')).code, 'unknown_order');
  assert.equal((await person.checkout()).type, 'pay');
});

test('O4 tickets of a sale that is closed are let in, handed on and given back as before', async (t) => {
  const world = await startBoxoffice(t);
  const [buyer, friend] = [await new Person(world).connect(), await arrive(world)];
  const { order, tickets } = await buyer.buy('S-1', 'S-2');
  await world.admin('POST', '/api/sales/hall/close');
  const call = async (person, what, body) => (await fetch(`${world.url}/api/sales/hall/tickets/${what}`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${person.resume}` } })).json();
  const { transfer } = await call(buyer, 'transfer', { seat: 'S-1' });
  const { tickets: [given] } = await call(friend, 'accept', { transfer });
  const door = async (code) => (await world.admin('POST', '/api/check-in', { code })).json;
  assert.equal((await door(tickets[0].code)).error.code, 'ticket_void');
  assert.equal((await door(given.code)).valid, true);
  assert.deepEqual((await back(world, { order, refund: 'a', seats: ['S-2'] })).json, { order: 'part_refunded', amount: 5000 });
  assert.equal((await world.admin('GET', '/api/sales/hall')).json?.status ?? 'closed', 'closed');
});
