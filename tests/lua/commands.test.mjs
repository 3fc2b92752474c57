// SPDX-License-Identifier: Apache-2.0
// Commands that come again (rule O2): remembered by count, known again from the log, and never done twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asNumbers, Sale, startScripts } from '../lib/scripts.mjs';

async function start(t, settings = {}) {
  const sale = new Sale(await startScripts(t));
  await sale.load({ limit: 20, choosers_per_seat: 1000, ...settings }, { total: 100 });
  await sale.run('stock_set', 'floor', 'area', 100, 0, 2000, 0, 0, 'ann');
  await sale.inside('g:1');
  return sale;
}
const take = async (sale, key, count = 1) => asNumbers(await sale.run('stock_take', 'g:1', 1, key, 'floor', count));
const held = async (sale) => (await sale.run('line_enter', 'g:1', 1))[5].map(Number).filter((_, i) => i % 2 === 0);
const seq = async (sale) => (await sale.state('seq'))[0];

test('O2 a command is known again behind fifteen others, and is not done twice', async (t) => {
  const sale = await start(t);
  for (let round = 0; round < 4; round++) {
    assert.equal((await take(sale, `take ${round}`))[0], 'ok');
    for (let i = 0; i < 7; i++) {
      await sale.hold('g:1', 1, `hold ${round} ${i}`, i);
      await sale.release('g:1', 1, `release ${round} ${i}`, i);
    }
    await sale.hold('g:1', 1, `last ${round}`, 50 + round);
    const before = [await held(sale), await seq(sale)];
    assert.deepEqual((await take(sale, `take ${round}`))[2].filter((_, i) => i % 2 === 0), before[0], 'it answers what is held now');
    assert.deepEqual([await held(sale), await seq(sale)], before);
  }
});

test('O2 what is remembered stays short, whatever was answered', async (t) => {
  const sale = await start(t);
  for (let i = 0; i < 200; i++) await sale.hold('g:1', 1, `k${i}`, i % 18);
  const record = await sale.redis.hgetBuffer(sale.key.people, 'g:1');
  assert.ok(record.length < 800, `${record.length} bytes`);
});

test('O2 a hold that was forgotten is "held" when all its seats are his own, also at the limit; what is new of it is taken', async (t) => {
  const sale = await start(t, { limit: 3 });
  const first = await sale.hold('g:1', 1, 'a', 1, 2, 3);
  const before = await seq(sale);
  assert.deepEqual(await sale.hold('g:1', 1, 'forgotten', 1, 2, 3), first);
  assert.deepEqual(await sale.hold('g:1', 1, 'of two', 3, 1), first);
  assert.equal(await seq(sale), before, 'nothing was done');
  assert.deepEqual((await sale.hold('g:1', 1, 'one more', 3, 4)), ['limit_reached', 0]);
  await sale.release('g:1', 1, 'r', 1);
  assert.deepEqual((await sale.hold('g:1', 1, 'b', 3, 4))[2], [2, 1000, 3, 1000, 4, 1000]);
  await sale.inside('g:2');
  assert.deepEqual(await sale.hold('g:2', 2, 'a', 4, 5), ['seat_taken', 0, [4]], 'somebody else\'s are taken');
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  await sale.run('order_pay', 'o:1', 'p:1', 'paid', 3000, 'EUR');
  const [[number]] = await sale.joinAs('1', 'g:1');
  await sale.tick();
  await sale.run('line_enter', 'g:1', number);
  assert.deepEqual(await sale.hold('g:1', number, 'bought', 4), ['limit_reached', 0], 'what he has bought is not held');
});

test('O2 a refusal is remembered: the same command does not succeed later', async (t) => {
  const sale = await start(t, { limit: 2, no_single_seat: 0 });
  await sale.hold('g:1', 1, 'a', 1, 2);
  const limit = await sale.hold('g:1', 1, 'b', 3);
  assert.deepEqual(limit, ['limit_reached', 0]);
  assert.deepEqual((await sale.release('g:1', 1, 'foreign', 9)), ['seat_not_yours', 0, [9]]);
  assert.deepEqual((await sale.release('g:1', 1, 'foreign', 9)), ['seat_not_yours', 0, [9]], 'the last one with all it said');
  await sale.hold('g:1', 1, 'foreign 2', 1, 2);
  await sale.release('g:1', 1, 'c', 1, 2);
  await sale.hold('g:1', 1, 'c2', 9);
  assert.equal((await sale.release('g:1', 1, 'foreign', 9))[0], 'seat_not_yours', 'what is his now was not when he asked');
  await sale.release('g:1', 1, 'c3', 9);
  assert.equal((await sale.hold('g:1', 1, 'b', 3))[0], 'limit_reached');
  assert.equal((await sale.hold('g:1', 1, 'b', 4))[0], 'key_reused');
  assert.equal((await sale.hold('g:1', 1, 'd', 3))[0], 'ok', 'another one does');
  assert.equal((await take(sale, 'much', 3))[0], 'limit_reached');
  await sale.release('g:1', 1, 'e', 3);
  await sale.load({ limit: 20 });
  assert.equal((await take(sale, 'much', 3))[0], 'limit_reached');
});

test('O2 P2 the log names each command that was done, so that a restored sale knows it again', async (t) => {
  const sale = await start(t, { extend_ms: 1000, extend_max: 5 });
  await sale.run('auction_set', 'guitar', 1000, 100, 100000, Date.now() - 1000, Date.now() + 60000, 0, 60000, 'ann');
  await sale.run('line_channel', 'g:1', 1, 'k1', 'club', 'i:1');
  await sale.run('line_extend', 'g:1', 1, 'k2');
  await sale.hold('g:1', 1, 'k3', 1);
  await sale.holdReduced('g:1', 1, 'k4', [2], [2, 'kid', 0, 0]);
  await sale.release('g:1', 1, 'k5', 1);
  await take(sale, 'k6');
  await sale.run('seats_best', 'g:1', 1, 'k7', 'any', 1, 10, 19, 10, 1000);
  await sale.run('auction_bid', 'g:1', 1, 'k8', 'guitar', 1000, 'EUR');
  const tokens = (await sale.log()).flatMap(({ body }) => [...(body.token ? [body.token] : []), ...(body.acts ?? []).map((act) => act.at(-1))]);
  const record = await sale.redis.hgetBuffer(sale.key.people, 'g:1');
  assert.equal(tokens.length, 8);
  assert.equal(new Set(tokens).size, 8);
  assert.ok(record.includes(tokens.map((token) => `\x01${token}o`).join('')), 'as it is remembered');
});

test('S5 P4 who takes coupons is inside, and nothing is granted or bidden while PostgreSQL is too far behind', async (t) => {
  const sale = await start(t, { backlog_max: 30 });
  await sale.run('stock_set', 'coupon', 'coupon', 10, 0, 0, 0, 0, 'ann');
  await sale.run('auction_set', 'guitar', 1000, 100, 100000, Date.now() - 1000, Date.now() + 60000, 0, 60000, 'ann');
  const give = (grant, person, ...number) => sale.run('stock_grant', 'give', grant, person, 'coupon', 1, ...number);
  assert.deepEqual(await give('c:1', 'g:2', 2), ['not_admitted']);
  assert.deepEqual(await give('c:1', 'g:1', 9), ['not_admitted'], 'with a number from before');
  const granted = await give('c:1', 'g:1', 1);
  assert.equal(granted[0], 'ok');
  for (let i = 0; await seq(sale) <= 30; i++) await sale[i % 2 ? 'release' : 'hold']('g:1', 1, `k${i}`, 1);
  assert.deepEqual(await give('c:2', 'g:1', 1), ['overloaded']);
  assert.deepEqual(await give('c:1', 'g:1', 1), granted, 'what was granted before is told');
  assert.deepEqual(await sale.run('auction_bid', 'g:1', 1, 'b', 'guitar', 1000, 'EUR'), ['overloaded']);
  await sale.run('log_commit', await seq(sale), (await sale.state('epoch'))[0]);
  assert.equal((await give('c:2', 'g:1', 1))[0], 'ok');
  assert.equal((await sale.run('auction_bid', 'g:1', 1, 'b', 'guitar', 1000, 'EUR'))[0], 'ok', 'the same key');
  await sale.expire('g:1');
  assert.deepEqual(await give('c:3', 'g:1', 1), ['admission_expired']);
});
