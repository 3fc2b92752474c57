// SPDX-License-Identifier: Apache-2.0
// The tables that follow from the ledger: compared with it, repaired from it (rule P5), and right again when a record is written late (P3).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

const refund = (world, body) => world.admin('POST', '/api/sales/hall/refund', body);
const letters = async (world) => (await world.postgres.query('SELECT count(*)::int AS n FROM dead_letters'))[0].n;
const one = async (world, sql) => (await world.postgres.query(sql))[0];

test('P5 every table that follows from the ledger is compared with it and repaired from it; a refund that is missing is made', async (t) => {
  const world = await startBoxoffice(t);
  const api = (what, body) => world.admin('POST', `/api/sales/hall/${what}`, body);
  const { order, tickets } = await (await new Person(world).connect()).buy('S-1', 'S-2', 'S-3');
  await refund(world, { order, refund: 'r-1', seats: ['S-2'] });
  await world.admin('POST', '/api/check-in', { code: tickets[0].code, gate: 'north' });
  await api('stock', { item: 'coupon', kind: 'coupon', total: 5 });
  assert.equal((await api('grants', { grant: 'g-1', person: 'g:x', item: 'coupon' })).status, 200);
  await until('it is made', async () => (await one(world, 'SELECT status FROM refunds')).status === 'done');
  world.reconcile();
  for (const sql of ['DELETE FROM refunds', 'DELETE FROM void_tickets', 'UPDATE grants SET count = 2', "UPDATE stock SET body = body || '{\"total\": 9}'",
    'UPDATE tickets SET checked_in_at = NULL, checked_in_seq = NULL WHERE seat = 0', 'UPDATE tickets SET serial = serial + 1 WHERE seat = 2',
    "INSERT INTO orders (id, sale, person, status, amount, currency, seq) VALUES ('o:none', 'hall', 'g:y', 'paid', 5, 'EUR', 9)",
    "INSERT INTO tickets (sale, seat, order_id, person, price, seq) VALUES ('hall', 7, 'o:none', 'g:y', 5, 9)"])
    await world.postgres.query(sql);
  const found = world.run('reconcile');
  assert.equal(found.status, 1, found.stdout + found.stderr);
  for (const what of [`refund_missing ${order} r-1`, 'void_tickets table \\d+ 1', 'grants table a:g-1', 'stock table 1', 'tickets table 0', 'tickets table 2', 'orders table o:none', 'tickets table 7'])
    assert.match(found.stdout, new RegExp(`^hall: ${what}: `, 'm'));
  assert.match(found.stdout, /^hall: 8 differences up to record \d+, 0 repaired$/m);
  assert.equal(world.run('reconcile', '--repair').status, 0);
  world.reconcile();
  assert.deepEqual(await world.postgres.query('SELECT seat, checked_in_by AS by FROM tickets ORDER BY seat'), [{ seat: 0, by: 'north' }, { seat: 2, by: null }]);
  assert.equal((await one(world, 'SELECT key FROM refunds')).key, `hall/${order}/r-1`);
  await until('it is made, and the payment service knows it', async () => (await one(world, 'SELECT status FROM refunds')).status === 'done');
});

test('P5 a ticket that version 0.1.0 let in stays let in, and a refund that no record is about stays', async (t) => {
  const world = await startBoxoffice(t, { reconcile: false });
  const { order } = await (await new Person(world).connect()).buy('S-1');
  await world.postgres.query("UPDATE tickets SET checked_in_at = now(), checked_in_by = 'door'");
  world.reconcile();
  await world.postgres.query("INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, status, seq, key) VALUES ('r', 'p', $1, 'hall', 1, 'EUR', '', 'done', 1, 'k')", [order]);
  const { status, stdout } = world.run('reconcile', '--repair');
  assert.equal(status, 1);
  assert.match(stdout, new RegExp(`^hall: refunds table ${order} r: `, 'm'));
  assert.deepEqual(await one(world, 'SELECT (SELECT count(*)::int FROM refunds) AS refunds, (SELECT count(checked_in_at)::int FROM tickets) AS used'), { refunds: 1, used: 1 });
});

test('O5 P3 a refund of an amount only that version 0.1.0 put aside is found, and replayed', async (t) => {
  const world = await startBoxoffice(t);
  const { order } = await (await new Person(world).connect()).buy('S-1');
  await world.postgres.query('ALTER TABLE refunds ADD CONSTRAINT trouble CHECK (amount <> 300)');
  const answer = await refund(world, { order, refund: 'a', amount: 300 });
  assert.deepEqual([answer.status, answer.json.error.code], [500, 'not_booked']);
  await world.postgres.query(`UPDATE dead_letters SET body = replace(body, '"seats":[]', '"seats":{}')`);
  assert.match((await one(world, 'SELECT body FROM dead_letters')).body, /"seats":\{\}/);
  assert.match(world.run('reconcile').stdout, new RegExp(`^hall: refund_missing ${order} a: `, 'm'));
  assert.match(world.run('replay').stdout, /\(refund\): .*trouble/);
  await world.postgres.query('ALTER TABLE refunds DROP CONSTRAINT trouble');
  const { status, stdout } = world.run('replay');
  assert.equal(status, 0, stdout);
  await until('it is made', async () => (await one(world, 'SELECT status FROM refunds WHERE amount = 300')).status === 'done');
  assert.deepEqual(await one(world, 'SELECT status, refunded::int FROM orders'), { status: 'part_refunded', refunded: 300 });
});

test('P3 a payment that is written late revives no ticket that was given back meanwhile', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  await world.postgres.query('ALTER TABLE tickets ADD CONSTRAINT trouble CHECK (seat <> 4)');
  await person.enter();
  await person.hold('S-5');
  await person.settle(await person.checkout());
  assert.equal((await person.next('error')).code, 'not_booked');
  await until('it is put aside', async () => (await letters(world)) === 1);
  const { id: order } = await one(world, 'SELECT id FROM orders');
  assert.equal((await refund(world, { order, refund: 'a', seats: ['S-5'] })).status, 200);
  await world.postgres.query('ALTER TABLE tickets DROP CONSTRAINT trouble');
  const { status, stdout } = world.run('replay');
  assert.equal(status, 0, stdout);
  assert.deepEqual(await world.postgres.query('SELECT seat FROM tickets'), []);
  assert.deepEqual(await world.postgres.query('SELECT seat, order_id AS order FROM void_tickets'), [{ seat: 4, order }]);
  assert.deepEqual(await one(world, 'SELECT status, refunded = amount AS all FROM orders'), { status: 'refunded', all: true });
});

test('P3 what was set later stays when what was set before it is written late', async (t) => {
  const world = await startBoxoffice(t);
  const set = (total) => world.admin('POST', '/api/sales/hall/stock', { item: 'coupon', kind: 'coupon', total });
  await world.postgres.query("ALTER TABLE stock ADD CONSTRAINT trouble CHECK (body->>'total' <> '5')");
  await set(4);
  await set(5);
  await until('it is put aside', async () => (await letters(world)) === 1);
  await set(6);
  await until('it is written', async () => (await one(world, "SELECT body->>'total' AS total FROM stock"))?.total === '6');
  await world.postgres.query('ALTER TABLE stock DROP CONSTRAINT trouble');
  assert.equal(world.run('replay').status, 0);
  assert.equal((await one(world, "SELECT body->>'total' AS total FROM stock")).total, '6');
});

const epoch = (world) => world.redis.client.hget('bo:{hall}:state', 'epoch');
const caughtUp = (world) => until('all is written', async () => (await one(world, "SELECT seq::text FROM log_position WHERE sale = 'hall'"))?.seq
  === await world.redis.client.hget('bo:{hall}:state', 'seq'));

test('P2 O4 serials and check-ins are known after a loss of Redis: no old code enters, and no used ticket is handed on or refunded', async (t) => {
  const world = await startBoxoffice(t);
  const [buyer, friend] = [await new Person(world).connect(), await arrive(world)];
  const { order, tickets } = await buyer.buy('S-1', 'S-2');
  const call = async (person, what, body) => (await fetch(`${world.url}/api/sales/hall/tickets/${what}`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${person.resume}` } })).json();
  const { transfer } = await call(buyer, 'transfer', { seat: 'S-1' });
  const given = (await call(friend, 'accept', { transfer })).tickets[0];
  await world.admin('POST', '/api/check-in', { code: tickets[1].code });
  await caughtUp(world);
  const before = await epoch(world);
  await world.redis.client.flushall();
  await until('it is restored', async () => ![null, before].includes(await epoch(world)));
  const decided = (...args) => world.redis.client.hget('bo:{hall}:orders', ...args);
  assert.ok(await decided(order));
  await until('the gateways know', async () => (await world.admin('POST', '/api/check-in', { code: given.code })).status === 200);
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets[0].code })).json.error.code, 'ticket_void');
  assert.equal((await call(buyer, 'transfer', { seat: 'S-2' })).error.code, 'already_checked_in');
  assert.equal((await refund(world, { order, refund: 'a', seats: ['S-2'] })).json.error.code, 'already_checked_in');
});

test('P5 what version 0.1.0 did not keep in an order is not missed', async (t) => {
  const world = await startBoxoffice(t);
  const { order } = await (await new Person(world).connect()).buy('S-1', 'S-2');
  await refund(world, { order, refund: 'a', seats: ['S-1'] });
  await world.redis.client.eval(`local o = cmsgpack.unpack(redis.call('HGET', KEYS[1], ARGV[1])) o.cur, o.refunds.a.of = nil, nil
    redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(o))`, 1, 'bo:{hall}:orders', order);
  world.reconcile();
  assert.deepEqual((await refund(world, { order, refund: 'a', seats: ['S-1'] })).json, { order: 'part_refunded', amount: 5000 }, 'the same again');
  await refund(world, { order, refund: 'b', amount: 100 });
});

test('S10 a lot that is given back leaves Redis and the tables as the ledger says', async (t) => {
  const world = await startBoxoffice(t, { settings: { limit: 2 } });
  const at = (ms) => new Date(Date.now() + ms).toISOString();
  const person = await arrive(world);
  await person.enter();
  await world.admin('POST', '/api/sales/hall/lots', { item: 'guitar', price: 1000, step: 100, opens_at: at(-1000), closes_at: at(6000) });
  await until('it can be bidden for', async () => (await person.ask({ type: 'bid', key: newKey(), lot: 'guitar', amount: 1000, currency: 'EUR' }, 'bid', 'error', 'refused')).type === 'bid');
  const { order } = await person.next('won');
  await person.settle(await person.ask({ type: 'checkout', key: newKey(), order }, 'pay', 'error'));
  await until('it is paid', async () => (await one(world, 'SELECT status FROM orders'))?.status === 'paid');
  assert.deepEqual((await refund(world, { order, refund: 'a', seats: ['guitar-1'] })).json, { order: 'refunded', amount: 1000 });
  assert.deepEqual(await world.postgres.query('SELECT seat FROM tickets'), []);
  world.reconcile();
});
