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
  return sale.run('sale_restore', 'mine', 'end', upTo, clock, 3000, 'settings_version', 7, 'status', 'open', 'total', 100, 'free', 100, 'next', 40, 'head', 0,
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
  assert.equal((await sale.run('log_commit', before))[0], 'redis_lost_sale', 'who drains hears so, too');
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
  assert.equal((await other.run('log_commit', 77))[0], 'redis_lost_sale');
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
  assert.deepEqual(await sale.run('sale_restore', 'yours', 'end', 1, 1, 1), ['superseded']);
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
  assert.deepEqual((await sale.log()).map(({ seq: at, kind }) => [at, kind]), [[51, 'restored']]);
  assert.deepEqual(await sale.hold('c', 12, 'k', 5), ['ok', clock + 1000, [4, 1000, 5, 1000]]);
  await sale.redis.hset(sale.key.state, 'asked_until', 1);
  await sale.tick();
  assert.deepEqual(await sale.stages('a', 'b'), ['claim', 'claim']);
  assert.equal((await sale.join('d'))[0][0], 41);
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
  assert.equal((await sale.join('new'))[0][0], 44, 'no number twice');
  assert.deepEqual((await sale.log()).filter(({ kind }) => kind === 'join')[0].body, { people: ['late', 43, 'again', 42, 'better', -(2 ** 42) + 5], again: true });
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
  await sale.run('log_commit', await seq(sale));
  assert.equal((await sale.join('late'))[0][1], 'wait');
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
