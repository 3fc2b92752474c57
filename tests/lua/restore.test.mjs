// SPDX-License-Identifier: Apache-2.0
// The scripts around a sale that Redis has lost (rule P2): refusing, draining, putting back, saying who is here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sale, startScripts } from '../lib/scripts.mjs';

const seq = async (sale) => (await sale.state('seq'))[0];

// Everybody else is in the suites; here only the line and one who chooses.
async function restore(sale, { line = {}, people = {}, seats = {}, upTo = 50, clock = Date.now() - 3600000, state = {} } = {}) {
  const put = (key, how, values) => Object.keys(values).length && sale.run('sale_restore', 'mine', 'put', key, how, ...Object.entries(values).flat());
  assert.deepEqual(await sale.run('sale_restore', 'mine', 'begin'), ['ok']);
  await put('line', 'set', line);
  await put('people', 'packed', Object.fromEntries(Object.entries(people).map(([name, record]) => [name, JSON.stringify(record)])));
  await put('seats', 'hash', seats);
  await put('map', 'text', { ['0'.repeat(100)]: '' });
  return sale.run('sale_restore', 'mine', 'end', upTo, clock, ++sale.epoch, 'redis', 'settings_version', 7, 'status', 'open', 'total', 100, 'free', 100, 'next', 40, 'head', 0,
    ...Object.entries({ ...sale.settings, ...state }).flat());
}

test('P2 a sale that is lost decides nothing; its log is still drained', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  const number = await sale.inside('a');
  await sale.run('sale_forget');
  const before = await seq(sale);
  for (const [script, ...args] of [['line_join', '0', 1, 'b'], ['line_tick', 100, ''], ['line_leave', 'a'], ['order_checkout', 'a', number, 'o:1'], ['sale_map'], ['line_find', 'a'],
    ['seats_choose', 'a', number, 'k', 'hold', 0, 2, 0, 1, 1000], ['order_pay', 'o:1', 'p:1', 'paid', 1000, 'EUR'], ['seats_block', 'block', 'x', '', 5]])
    assert.equal((await sale.run(script, ...args))[0], 'redis_lost_sale', script);
  assert.equal((await sale.load())[0], 'redis_lost_sale');
  assert.equal(await seq(sale), before);
  assert.equal((await sale.commit(before))[0], 'redis_lost_sale', 'who drains hears so, too');
  assert.equal(await sale.redis.xlen(sale.key.log), 0);
});

test('P2 a Redis that has less than PostgreSQL is not gone on with', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  await sale.join('a', 'b');
  assert.equal((await sale.load({}, { committed: 2 }))[0], 'ok');
  assert.equal((await sale.load({}, { committed: 90 }))[0], 'redis_lost_sale');
  assert.equal((await sale.run('line_join', '0', 1, 'c'))[0], 'redis_lost_sale');
  const other = new Sale(sale.redis, 'other');
  await other.load();
  assert.equal((await other.commit(77))[0], 'redis_lost_sale');
  assert.equal((await other.run('line_join', '0', 1, 'c'))[0], 'redis_lost_sale');
});

test('P2 only who has begun last may put a sale back, and only one that is lost', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  assert.deepEqual(await sale.run('sale_restore', 'mine', 'begin'), ['not_lost']);
  await sale.run('sale_forget');
  assert.deepEqual(await sale.run('sale_restore', 'yours', 'begin'), ['ok']);
  assert.deepEqual(await sale.run('sale_restore', 'mine', 'begin'), ['ok']);
  assert.deepEqual(await sale.run('sale_restore', 'yours', 'put', 'line', 'set', 'x', 1), ['superseded']);
  assert.deepEqual(await sale.run('sale_restore', 'yours', 'end', 1, 1, 1, 'redis'), ['superseded']);
  assert.equal((await restore(sale))[0], 'ok');
  assert.deepEqual(await sale.run('sale_restore', 'mine', 'put', 'line', 'set', 'x', 1), ['superseded']);
});

test('P2 what was put back goes on: numbers, clock, log, and nobody is let in before gateways have said who is here', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  await sale.run('sale_forget');
  const clock = Date.now() - 3600000;
  const [, epoch] = await restore(sale, { line: { a: 38, b: 39 }, people: { c: { b: 1, st: 'choose', n: 12, d: clock + 1000, h: ['4', '1000'] } }, seats: { 4: 'c' }, clock });
  assert.ok(epoch > 0);
  const tick = await sale.tick();
  assert.deepEqual([tick[0], tick[15], tick[16], tick[18]], ['ok', 0, 'restored', epoch]);
  assert.ok(Math.abs(tick[1] - clock) < 1000, 'the clock stood still');
  assert.deepEqual((await sale.log()).map(({ seq: at, kind }) => [at, kind]), [[51, 'epoch'], [52, 'settings']]);
  assert.deepEqual(await sale.hold('c', 12, 'k', 5), ['ok', clock + 1000, [4, 1000, 5, 1000]]);
  await sale.redis.hset(sale.key.state, 'quiet_until', 1);
  await sale.tick();
  assert.deepEqual(await sale.stages('a', 'b'), ['claim', 'claim']);
  assert.equal((await sale.join('d'))[0][0], 41 + 2 ** 18, 'numbers told before and lost are not given to others');
});

test('L6 who was told a place that is not in the ledger stands there again; everyone else is where the ledger has him', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  await sale.run('sale_forget');
  await restore(sale, { line: { a: 38 }, people: { bought: { b: 1, st: 'out', n: 12, last: 'o:1' }, again: { b: 0, st: 'out', n: 13 } } });
  await sale.redis.zadd(sale.key.absent, 1, 'a');
  const answer = await sale.run('line_return', 'a', 38, 'late', 43, 'bought', 12, 'again', 42, 'better', -(2 ** 42) + 5);
  assert.deepEqual(answer.slice(2), [[38, 'wait', 0, ''], [43, 'wait', 0, ''], [12, 'out', 0, 'o:1'], [42, 'wait', 0, ''], [-(2 ** 42) + 5, 'wait', 0, '']]);
  assert.deepEqual(await sale.redis.zrange(sale.key.line, 0, -1), ['better', 'a', 'again', 'late']);
  assert.equal(await sale.redis.zcard(sale.key.absent), 0, 'he is here');
  assert.equal((await sale.join('new'))[0][0], 41 + 2 ** 18, 'no number twice');
  assert.deepEqual((await sale.log()).filter(({ kind }) => kind === 'join')[0].body, { people: ['late', 43, 'again', 42, 'better', -(2 ** 42) + 5], again: true, counted: [43, 42] });
});

test('P7 another epoch begins in what Redis has: ids of the log, a gap of numbers, a quiet time; the one before commits nothing more', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 0 });
  await sale.join('a', 'b', 'c');
  const ids = async () => (await sale.redis.xrange(sale.key.log, '-', '+')).map(([id]) => id);
  assert.deepEqual(await ids(), ['1-1', '2-1']);
  assert.deepEqual(await sale.run('sale_epoch', 1, 1, 1, 'redis'), ['ok', 1, 0], 'the same one changes nothing');
  assert.deepEqual(await sale.run('sale_epoch', 1, 900, 1, 'other'), ['ok', 900, 0]);
  assert.deepEqual(await ids(), ['1-1', '2-1', '3-900']);
  assert.deepEqual((await sale.log())[2].body, { epoch: 900, before: 1, next: { 0: 3 + 2 ** 18 } });
  assert.deepEqual(await sale.commit(2), ['superseded', 900], 'a scribe of the epoch before');
  assert.deepEqual(await sale.state('committed'), [1]);
  assert.deepEqual(await sale.run('sale_epoch', 1, 1, 1, 'redis'), ['superseded', 900]);
  assert.deepEqual(await sale.load({ capacity: 9 }, { epoch: 1 }), ['superseded', 900]);
  const tick = await sale.tick();
  assert.deepEqual([tick[15], tick[16], tick[18]], [0, 'restored', 900]);
  assert.equal((await sale.run('line_return', 'late', 5, 'a', 1))[2][0], 5);
  assert.deepEqual((await sale.log()).at(-1).body, { people: ['late', 5], again: true, counted: [5] });
  assert.equal((await sale.join('d'))[0][0], 4 + 2 ** 18);
  const [, waiting, , segments] = await sale.run('line_front');
  assert.equal(waiting, 5);
  assert.equal(segments.filter((_, i) => i % 3 === 2).reduce((sum, count) => sum + count, 0), 5, 'positions do not count the numbers left out');
});

test('P7 a lane whose first visitors may be lost goes on behind a gap, too', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ lanes: JSON.stringify([{ name: 'vip', quota: 0 }]) });
  await sale.join('a');
  await sale.run('sale_epoch', 1, 900, 1, 'other');
  assert.deepEqual((await sale.log()).at(-1).body.next, { 0: 1 + 2 ** 18, 15: 2 ** 18 });
});

test('P7 what PostgreSQL has of a later epoch than Redis is lost here, and the rest of that history is not written', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  await sale.join('a', 'b');
  assert.deepEqual(await sale.run('sale_epoch', 2, 3, 2, 'other'), ['redis_lost_sale', 1]);
  assert.equal(await sale.redis.exists(sale.key.log), 0);
  assert.equal((await sale.run('line_join', '0', 1, 'c'))[0], 'redis_lost_sale');
  const other = new Sale(sale.redis, 'other');
  assert.deepEqual(await other.run('sale_epoch', 0, 1, 0, 'redis'), ['ok', 0, 0], 'one that has not begun');
  assert.deepEqual(await other.run('sale_epoch', 7, 1, 1, 'redis'), ['redis_lost_sale', 0]);
});

test('O3 records that are put aside are told with what is committed, and no more once they are written', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  for (const person of ['a', 'b', 'c', 'd']) await sale.join(person);
  const aside = async () => (await sale.tick())[20];
  await sale.commit(4, 2, 3);
  assert.equal(await aside(), '2 3');
  await sale.commit(5, 2, 3);
  assert.equal(await aside(), '2 3');
  await sale.commit(5);
  assert.equal(await aside(), '');
});

test('P8 a gap between the log and PostgreSQL is told until it is closed', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  for (const person of ['a', 'b', 'c', 'd']) await sale.join(person);
  await sale.redis.xtrim(sale.key.log, 'MINID', '4-0');
  assert.deepEqual(await sale.commit(2), ['ledger_gap', 4]);
  assert.equal((await sale.tick())[21], 4);
  assert.deepEqual(await sale.commit(3), ['ok']);
  assert.equal((await sale.tick())[21], 0);
});

test('O1 a payment for an order that was lost with Redis is owed back, once', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  await sale.run('sale_forget');
  await restore(sale);
  const owed = await sale.run('order_pay', 'o:x', 'p:x', 'paid', 1000, 'EUR');
  assert.deepEqual(owed.slice(0, 2), ['ok', 'refund_due']);
  assert.deepEqual(await sale.run('order_pay', 'o:x', 'p:x', 'paid', 1000, 'EUR'), owed);
  assert.equal((await sale.log()).filter(({ kind }) => kind === 'refund_due').length, 1);
});

test('P4 nobody new gets a place while PostgreSQL is too far behind; who has one is found', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 0, backlog_max: 4 });
  for (let i = 0; i < 4; i++) await sale.join(`p${i}`);
  assert.equal((await sale.join('late'))[0][1], 'overloaded');
  assert.equal((await sale.join('p1'))[0][1], 'wait');
  await sale.commit();
  assert.equal((await sale.join('late'))[0][1], 'wait');
});

test('A8 every brake of an operator is in the log, also one that only lasts longer', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  for (const ms of [1000, 5000, 0, 0]) await sale.run('line_brake', 50, ms, 'shop');
  const told = async () => (await sale.log()).filter(({ kind }) => kind === 'brake').length;
  const count = await told(), until = (await sale.run('line_brake', 50, 1000, 'shop'), await sale.state('asked_until'))[0];
  assert.ok(until < Date.now() + 60000, 'no longer than asked for');
  await sale.redis.hset(sale.key.state, 'asked_until', 1);
  await sale.run('line_brake', 50, 0, 'shop');
  assert.equal(await told(), count + 1, 'one that is over is not ended again');
  assert.deepEqual((await sale.log()).filter(({ kind }) => kind === 'brake').map(({ body }) => [body.percent, body.for_ms]), [[50, 1000], [50, 5000], [100, 0], [50, 1000]]);
});

test('P5 mending changes what is still what was found, and counters by what they are off', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  const number = await sale.inside('a');
  await sale.hold('a', number, 'k', 3);
  await sale.redis.hset(sale.key.seats, 9, 'nobody');
  assert.deepEqual(await sale.run('sale_mend', 'tester', 'seats', 9, 'set', 'somebody', '', 'seats', 9, 'set', 'nobody', '', 'state', 'free', 'add', -2, 'map', 7, 'set', '0', '3'), ['ok', 3]);
  assert.equal(await sale.redis.hexists(sale.key.seats, '9'), 0);
  assert.deepEqual(await sale.state('free'), [97]);
  assert.equal((await sale.redis.get(sale.key.map))[7], '3');
  await sale.load({}, { status: 'paused' });
  const [, , [line, active, record]] = await sale.run('sale_look', 'people', 'a');
  assert.deepEqual(await sale.run('sale_mend', 'tester', 'people', 'a', 'set', line, active, record, '5', '', '{"b":0,"st":"out"}'), ['ok', 1]);
  assert.deepEqual(await sale.stages('a'), ['wait']);
  assert.deepEqual((await sale.log()).at(-1).body, { actor: 'tester', what: ['people a'] });
});
