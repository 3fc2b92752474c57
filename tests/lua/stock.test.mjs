// SPDX-License-Identifier: Apache-2.0
// Counted stock (rules S5, S6) and lots sold by bidding (S7).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asNumbers, Sale, startScripts } from '../lib/scripts.mjs';

async function hall(t, people = 0, settings = {}, total = 10) {
  const sale = new Sale(await startScripts(t));
  await sale.load({ choosers_per_seat: 1000, limit: 20, ...settings }, { total });
  for (let i = 1; i <= people; i++) await sale.inside(`g:${i}`);
  return sale;
}
const set = (sale, name, kind, total, { limit = 0, price = 0, rate = 0, rateMs = 0 } = {}) => sale.run('stock_set', name, kind, total, limit, price, rate, rateMs, 'ann');
const give = (sale, grant, person, item, count = 1) => sale.run('stock_grant', 'give', grant, person, item, count);
const back = (sale, grant) => sale.run('stock_grant', 'take_back', grant, 'ann');

test('S5 T2 100 people for 30 coupons at once: exactly 30 are granted, numbered in order of arrival', async (t) => {
  const sale = await hall(t);
  await set(sale, 'coupon', 'coupon', 30, { limit: 1 });
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => give(sale, `c:${i}`, `g:${i}`, 'coupon')));
  assert.deepEqual(answers.filter(([code]) => code === 'ok').map((a) => a[3]), Array.from({ length: 30 }, (_, i) => i + 1));
  assert.ok(answers.slice(30).every((a) => a[0] === 'stock_gone' && a[1] === 0));
});

test('S5 a grant is given once, whoever repeats it, and taken back once', async (t) => {
  const sale = await hall(t);
  await set(sale, 'points', 'points', 100, { limit: 60 });
  const first = await give(sale, 'p:1', 'g:1', 'points', 50);
  assert.deepEqual(await give(sale, 'p:1', 'g:1', 'points', 50), first);
  assert.deepEqual(await give(sale, 'p:1', 'g:1', 'points', 40), ['key_reused']);
  assert.deepEqual(await give(sale, 'p:2', 'g:1', 'points', 11), ['limit_reached', 10]);
  assert.equal((await give(sale, 'p:3', 'g:2', 'points', 50))[0], 'ok');
  assert.deepEqual(await give(sale, 'p:4', 'g:3', 'points'), ['stock_gone', 0]);
  assert.deepEqual(await back(sale, 'p:9'), ['unknown_grant']);
  const taken = await back(sale, 'p:1');
  assert.deepEqual(await back(sale, 'p:1'), taken);
  assert.deepEqual(await give(sale, 'p:5', 'g:3', 'points', 50).then((a) => a.slice(0, 4)), ['ok', 'points', 50, 101], 'numbers are not used again');
  assert.deepEqual((await give(sale, 'p:1', 'g:1', 'points', 50))[5], 1, 'what was taken back stays so');
  assert.deepEqual((await sale.log()).map(({ kind }) => kind).filter((kind) => kind !== 'load'), ['stock', 'grant', 'grant', 'take_back', 'grant']);
});

test('T2 100 people for 30 vouchers handed out 10 per second: never more in any second, exactly 30 in all', async (t) => {
  const sale = await hall(t);
  await set(sale, 'voucher', 'voucher', 30, { limit: 1, rate: 10, rateMs: 200 });
  const waiting = new Set(Array.from({ length: 100 }, (_, i) => i));
  let granted = 0;
  while (waiting.size) {
    for (const i of [...waiting]) {
      const [code] = await give(sale, `v:${i}`, `g:${i}`, 'voucher');
      if (code === 'ok') granted++;
      if (code !== 'try_later') waiting.delete(i);
    }
  }
  assert.equal(granted, 30);
  const at = (await sale.redis.xrange(sale.key.log, '-', '+')).filter(([, f]) => f[1] === 'grant').map(([, f]) => Number(f[3]));
  for (const from of at) assert.ok(at.filter((time) => time >= from && time < from + 200).length <= 10);
});

test('S6 the total is raised at will and lowered only down to what is given', async (t) => {
  const sale = await hall(t, 1);
  await set(sale, 'floor', 'area', 5, { price: 2000 });
  assert.deepEqual(await sale.state('free', 'total'), [15, 15]);
  await sale.run('stock_take', 'g:1', 1, 'a', 'floor', 3);
  assert.deepEqual(await set(sale, 'floor', 'area', 2, { price: 2000 }), ['stock_below_given', 3]);
  assert.deepEqual((await set(sale, 'floor', 'area', 3, { price: 2000 })).slice(0, 3), ['ok', 1, 0]);
  assert.deepEqual(await sale.run('stock_take', 'g:1', 1, 'b', 'floor', 1), ['stock_gone', 0]);
  await set(sale, 'floor', 'area', 8, { price: 2500 });
  assert.deepEqual(await sale.state('free', 'total'), [15, 18]);
  assert.deepEqual(await set(sale, 'floor', 'coupon', 9), ['stock_exists']);
});

test('S2 S5 places of an area are held, paid, given back and counted like seats, at the price they were taken at', async (t) => {
  const sale = await hall(t, 3, { limit: 4 });
  await set(sale, 'floor', 'area', 6, { price: 2000, limit: 3 });
  const take = async (person, number, key, count) => asNumbers(await sale.run('stock_take', person, number, key, 'floor', count));
  assert.deepEqual(await take('g:1', 1, 'a', 4), ['limit_reached', 3]);
  const [, , held] = await take('g:1', 1, 'b', 2);
  assert.deepEqual(held, [1000001, 2000, 1000002, 2000]);
  assert.deepEqual((await take('g:1', 1, 'b', 2))[2], held, 'the same key');
  await set(sale, 'floor', 'area', 6, { price: 9000, limit: 3 });
  await sale.hold('g:1', 1, 'c', 0, 1);
  assert.deepEqual(await take('g:1', 1, 'd', 1), ['limit_reached', 0], 'seats and places together');
  assert.deepEqual((await sale.release('g:1', 1, 'e', 1000001, 1))[2], [1000002, 2000, 0, 1000]);
  assert.deepEqual(await sale.state('free'), [14]);
  assert.equal((await sale.redis.get(sale.key.map)).length, 10, 'places are none of the map');
  const [, , order, amount] = await sale.run('order_checkout', 'g:1', 1, 'o:1');
  assert.deepEqual([order, amount], ['o:1', 3000]);
  assert.deepEqual((await sale.run('order_pay', 'o:1', 'p:1', 'paid', 3000, 'EUR')).slice(0, 2), ['ok', 'paid']);
  assert.deepEqual(await sale.state('sold', 'free'), [2, 14]);
  await take('g:2', 2, 'a', 3);
  await sale.run('line_leave', 'g:2');
  assert.deepEqual((await sale.run('stock_read'))[1].slice(3, 5), [6, 5], 'who leaves gives back');
  assert.deepEqual((await sale.run('order_refund', 'o:1', 'r:1', '-', 'free', 'ann', '', '', 1000002)).slice(0, 3), ['ok', 'part_refunded', 2000]);
  assert.deepEqual((await sale.run('stock_read'))[1].slice(3, 5), [6, 6]);
  assert.deepEqual(await sale.state('sold', 'free'), [1, 15]);
});

test('L8 a sale with an area is sold out when seats and places are', async (t) => {
  const sale = await hall(t, 1, {}, 1);
  await set(sale, 'floor', 'area', 1, { price: 2000 });
  await sale.hold('g:1', 1, 'a', 0);
  await sale.run('stock_take', 'g:1', 1, 'b', 'floor', 1);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  await sale.run('order_pay', 'o:1', 'p:1', 'paid', 3000, 'EUR');
  assert.equal(await sale.status(), 'sold_out');
  await set(sale, 'floor', 'area', 2, { price: 2000 });
  assert.equal(await sale.status(), 'open', 'and goes on when there is more');
});

/* ---- lots ---- */

const lot = (sale, { opens = -1000, closes = 60000, extend = 0, pay = 60000, most = 100000 } = {}) =>
  sale.run('auction_set', 'guitar', 1000, 100, most, Date.now() + opens, Date.now() + closes, extend, pay, 'ann');
const bid = (sale, who, key, amount, currency = 'EUR') => sale.run('auction_bid', `g:${who}`, who, key, 'guitar', amount, currency);
// The first lot closes so many ms from now: those who bid have all the time a busy machine needs.
const closesIn = (sale, ms) => sale.redis.eval(`local at = redis.call('TIME')[1] * 1000 + ARGV[1]
  for _, field in ipairs({'i:1', 'bids:1'}) do
    local packed = redis.call('HGET', KEYS[1], field)
    local one = packed and cmsgpack.unpack(packed)
    if one then
      one.closes = at
      redis.call('HSET', KEYS[1], field, cmsgpack.pack(one))
    end
  end
  redis.call('HSET', KEYS[2], 'closing', at)`, 2, sale.key.stock, sale.key.state, ms);
const close = (sale) => closesIn(sale, -1000);
const tickUntil = async (sale, check) => {
  for (const end = Date.now() + 10000; Date.now() < end;) {
    await sale.tick();
    const found = await check();
    if (found) return found;
  }
  throw new Error('in vain');
};
const orders = async (sale) => (await sale.log()).filter(({ kind }) => kind === 'checkout').map(({ body }) => body);

test('S7 a bid beats the highest by the step, the first may equal the price; none is above the limit or in another currency', async (t) => {
  const sale = await hall(t, 3);
  await lot(sale);
  assert.deepEqual(await bid(sale, 1, 'a', 999), ['bid_too_low', 1000]);
  assert.equal((await bid(sale, 1, 'b', 1000))[0], 'ok');
  assert.deepEqual(await bid(sale, 2, 'a', 1099), ['bid_too_low', 1100]);
  assert.deepEqual(await bid(sale, 2, 'b', 100001), ['bid_too_high', 100000]);
  assert.deepEqual(await bid(sale, 2, 'c', 5000, 'USD'), ['wrong_currency']);
  const [first] = await Promise.all([bid(sale, 2, 'd', 1100), bid(sale, 3, 'a', 1100)]);
  assert.equal(first[0], 'ok');
  assert.deepEqual(await bid(sale, 2, 'd', 1100), first, 'the same key');
  assert.deepEqual(await bid(sale, 2, 'd', 1200), ['key_reused']);
  assert.deepEqual((await sale.run('stock_read'))[1].slice(1, 3).concat((await sale.run('stock_read'))[1][11]), ['guitar', 'lot', 1100]);
  assert.deepEqual(await lot(sale), ['lot_running']);
  assert.equal((await sale.run('auction_bid', 'g:1', 1, 'x', 'piano', 1, 'EUR'))[0], 'unknown_item');
});

test('S7 it opens and closes by the clock, a late bid puts the end off, the winner gets an order of his own', async (t) => {
  const sale = await hall(t, 2);
  await lot(sale, { opens: 60000 });
  assert.equal((await bid(sale, 1, 'a', 1000))[0], 'lot_not_open');
  await lot(sale, { closes: 90000, extend: 30000 });
  const [, , [, closes]] = await bid(sale, 1, 'b', 1000);
  assert.ok(closes > Date.now() + 40000, 'not put off');
  await closesIn(sale, 20000);
  const [, , [, later]] = await bid(sale, 2, 'a', 1100);
  assert.ok(later > Date.now() + 20500, 'put off');
  await close(sale);
  const [won] = await tickUntil(sale, async () => (await orders(sale)).length && orders(sale));
  assert.deepEqual([won.person, won.amount, won.lot, won.seats], ['g:2', 1100, 'guitar', [1000001, 1100]]);
  assert.equal((await bid(sale, 1, 'c', 9000))[0], 'lot_closed');
  assert.equal((await sale.run('order_checkout', 'g:1', 1, 'o:x', won.order))[0], 'unknown_order', 'not his');
  assert.deepEqual((await sale.run('order_checkout', 'g:2', 2, 'o:x', won.order)).slice(2, 4), [won.order, 1100]);
  assert.deepEqual((await sale.run('order_pay', won.order, 'p:1', 'declined', 1100, 'EUR')).slice(0, 2), ['ok', 'paying'], 'he may try again');
  assert.deepEqual((await sale.run('order_pay', won.order, 'p:2', 'paid', 1100, 'EUR')).slice(0, 2), ['ok', 'paid']);
  assert.equal((await sale.run('stock_read'))[1].at(-1), 'sold');
  assert.equal((await sale.run('line_enter', 'g:2', 2))[0], 'ok', 'and he is inside as before');
});

test('S7 who does not pay in time loses it to the next; when nobody pays it stays unsold', async (t) => {
  const sale = await hall(t, 3);
  await lot(sale, { pay: 50 });
  await bid(sale, 1, 'a', 1000);
  await bid(sale, 2, 'a', 1200);
  await bid(sale, 1, 'b', 1300);
  await close(sale);
  const found = await tickUntil(sale, async () => (await sale.run('stock_read'))[1].at(-1) === 'unsold' && orders(sale));
  assert.deepEqual(found.map(({ person, amount }) => [person, amount]), [['g:1', 1300], ['g:2', 1200]]);
  for (const { order } of found) assert.equal((await sale.run('order_read', order))[1], 'expired');
  assert.deepEqual((await sale.run('order_pay', found[0].order, 'p:1', 'paid', 1300, 'EUR')).slice(0, 2), ['ok', 'refund_due'], 'too late');
  assert.deepEqual(await sale.state('lots'), [0]);
});

async function won(t, { limit = 1, price = 1000 } = {}) {
  const sale = await hall(t, 2, { limit });
  await sale.run('auction_set', 'guitar', price, 100, 100000, Date.now() - 1000, Date.now() + 60000, 0, 60000, 'ann');
  await bid(sale, 1, 'a', price);
  await close(sale);
  return { sale, order: (await tickUntil(sale, async () => (await orders(sale))[0])).order };
}

test('S10 a lot counted nothing when it was sold, and gives nothing back but itself', async (t) => {
  const { sale, order } = await won(t);
  await sale.hold('g:1', 1, 'k', 0);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  await sale.run('order_pay', 'o:1', 'p:1', 'paid', 1000, 'EUR');
  const before = await sale.state('sold', 'free', 'blocked', 'granted', 'lots');
  await sale.run('order_pay', order, 'p:2', 'paid', 1000, 'EUR');
  assert.deepEqual((await sale.run('order_refund', order, 'r:1', '-', 'block', 'ann', '', '', 1000001)).slice(0, 2), ['ok', 'refunded']);
  assert.deepEqual(await sale.state('sold', 'free', 'blocked', 'granted'), before.slice(0, 4));
  assert.equal(await sale.redis.hget(sale.key.seats, '1000001'), null);
  assert.deepEqual([await sale.redis.hget(sale.key.stock, 'given:1'), await sale.redis.hget(sale.key.grants, 'p:1:g:1')], ['0', null]);
  assert.deepEqual((await sale.run('stock_read'))[1].at(-1), 'unsold');
  const [[number]] = await sale.joinAs('1', 'g:1');
  await sale.tick();
  await sale.run('line_enter', 'g:1', number);
  assert.equal((await sale.hold('g:1', number, 'k2', 1))[0], 'limit_reached', 'his seat counts as before');
});

test('O6 a lot that was won for nothing is paid at checkout', async (t) => {
  const { sale, order } = await won(t, { price: 0 });
  const told = await sale.run('order_checkout', 'g:1', 1, 'o:x', order);
  assert.deepEqual([told.slice(2, 4), told.length], [[order, 0], 7]);
  assert.deepEqual((await sale.run('stock_read'))[1].at(-1), 'sold');
  assert.deepEqual((await sale.run('order_checkout', 'g:1', 1, 'o:x', order)).slice(2, 5), [order, 0, 0]);
});

test('S7 a lot that stayed unsold is offered again under its name, with orders of other ids; one that somebody has is not', async (t) => {
  const sale = await hall(t, 2);
  const over = (word) => tickUntil(sale, async () => (await sale.run('stock_read'))[1].at(-1) === word);
  await lot(sale, { pay: 50 });
  await bid(sale, 1, 'a', 1000);
  assert.deepEqual(await lot(sale), ['lot_running'], 'somebody has bidden');
  await close(sale);
  await over('unsold');
  assert.deepEqual((await lot(sale, { closes: 100000 })).slice(0, 2), ['ok', 1]);
  assert.deepEqual(await sale.state('lots'), [1]);
  assert.deepEqual((await lot(sale, { closes: 120000 })).slice(0, 2), ['ok', 1], 'nobody has bidden for it again');
  await bid(sale, 2, 'b', 1100);
  await close(sale);
  const [lost, won] = await tickUntil(sale, async () => (await orders(sale)).length === 2 && orders(sale));
  assert.notEqual(lost.order, won.order);
  assert.deepEqual([won.person, won.amount], ['g:2', 1100]);
  assert.equal((await sale.run('order_pay', won.order, 'p:1', 'paid', 1100, 'EUR'))[1], 'paid');
  assert.deepEqual(await sale.state('lots', 'granted'), [0, 1]);
  assert.deepEqual(await lot(sale), ['lot_running'], 'sold');
  await sale.run('order_refund', won.order, 'r:1', '-', 'free', 'ann', '', '', 1000001);
  assert.deepEqual((await lot(sale)).slice(0, 2), ['ok', 1], 'its sale was refunded');
  assert.deepEqual(await sale.state('lots', 'granted'), [1, 0]);
});

test('S7 a lot whose sale was refunded by 0.1.0 is offered again', async (t) => {
  const sale = await hall(t, 1);
  await lot(sale);
  await bid(sale, 1, 'a', 1000);
  await close(sale);
  const [won] = await tickUntil(sale, async () => (await orders(sale)).length && orders(sale));
  await sale.run('order_pay', won.order, 'p:1', 'paid', 1000, 'EUR');
  await sale.redis.hdel(sale.key.seats, '1000001'); // all that it did to it
  assert.deepEqual((await lot(sale)).slice(0, 2), ['ok', 1]);
  assert.deepEqual(await sale.state('lots', 'granted'), [1, 0]);
});

test('S7 P7 what is awarded after a loss of Redis is another order than what was awarded before it', async (t) => {
  const ids = [];
  for (const epoch of [1000, 2000]) {
    const sale = await hall(t, 1);
    await sale.redis.hset(sale.key.state, 'epoch', epoch);
    await lot(sale);
    await bid(sale, 1, 'a', 1000);
    await close(sale);
    ids.push((await tickUntil(sale, async () => (await orders(sale)).length && orders(sale)))[0].order);
  }
  assert.notEqual(...ids);
});

/* ---- numbers of places ---- */

test('S1 S5 after the highest number those that are free again are used, and never one of the next item', async (t) => {
  const sale = await hall(t, 2);
  await set(sale, 'floor', 'area', 50, { price: 2000 });
  await set(sale, 'balcony', 'area', 50, { price: 3000 });
  const take = async (who, key, item, count) => asNumbers(await sale.run('stock_take', `g:${who}`, who, key, item, count))[2].filter((_, i) => i % 2 === 0);
  assert.deepEqual(await take(2, 'a', 'balcony', 2), [2000001, 2000002]);
  assert.deepEqual(await take(2, 'b', 'floor', 1), [2000001, 2000002, 1000001]);
  await sale.redis.hset(sale.key.stock, 'next:1', 999997); // a million holds later
  assert.deepEqual(await take(1, 'a', 'floor', 4), [1999998, 1999999, 1000002, 1000003], 'one at 1 is held by somebody');
  assert.equal(await sale.redis.hget(sale.key.stock, 'next:1'), '3');
  await sale.release('g:1', 1, 'b', 1000003);
  await sale.redis.hset(sale.key.stock, 'next:1', 1500000); // 0.1.0 went on counting
  assert.deepEqual((await take(1, 'c', 'floor', 2)).slice(-2), [1000003, 1000004]);
  assert.deepEqual((await sale.redis.hgetall(sale.key.seats))[2000001], 'g:2');
});

test('S5 a free number is found behind thousands that are held', async (t) => {
  const sale = await hall(t, 1);
  await set(sale, 'floor', 'area', 100000);
  await sale.redis.hset(sale.key.seats, ...Array.from({ length: 2500 }, (_, i) => [1000001 + i, 'g:9']).flat());
  assert.deepEqual(asNumbers(await sale.run('stock_take', 'g:1', 1, 'a', 'floor', 2))[2], [1002501, 0, 1002502, 0]);
  const before = await sale.redis.hgetall(sale.key.stock);
  assert.deepEqual(await set(sale, 'huge', 'area', 100001), ['bad_message']);
  assert.deepEqual(await sale.redis.hgetall(sale.key.stock), before);
});
