// SPDX-License-Identifier: Apache-2.0
// What the operator decides and what follows from decisions: "sold out" is a fact beside his status (rules O8, L8), and no setting
// re-interprets what was decided (O7).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sale, startScripts } from '../lib/scripts.mjs';

async function start(t, total, people = 2) {
  const sale = new Sale(await startScripts(t));
  await sale.load({ choosers_per_seat: 1000, limit: 20 }, { total });
  for (let i = 1; i <= people; i++) await sale.inside(`g:${i}`);
  return sale;
}
const set = (sale, name, kind, total) => sale.run('stock_set', name, kind, total, 0, 0, 0, 0, 'ann');
const give = (sale, grant, person, item, count = 1) => sale.run('stock_grant', 'give', grant, person, item, count);
const operators = (sale) => sale.redis.hget(sale.key.state, 'status');
async function buy(sale, who, ...seats) {
  await sale.hold(`g:${who}`, who, 'a', ...seats);
  await sale.run('order_checkout', `g:${who}`, who, `o:${who}`);
  return sale.run('order_pay', `o:${who}`, `p:${who}`, 'paid', seats.length * 1000, 'EUR');
}
const refund = (sale, who, seat) => sale.run('order_refund', `o:${who}`, 'r:1', '-', 'free', 'ann', '', '', seat);
const told = async (sale) => (await sale.log()).filter(({ kind }) => kind === 'status').map(({ body }) => body.status);

for (const status of ['closed', 'paused', 'draining', 'away', 'through'])
  test(`O8 a sale that is ${status} stays so through its last payment, a refund, more stock and a mend`, async (t) => {
    const sale = await start(t, 1);
    await sale.hold('g:1', 1, 'a', 0);
    await sale.run('order_checkout', 'g:1', 1, 'o:1');
    await sale.load({}, { status });
    await sale.run('order_pay', 'o:1', 'p:1', 'paid', 1000, 'EUR');
    assert.equal(await operators(sale), status);
    const said = status === 'closed' ? 'closed' : 'sold_out';
    assert.deepEqual([await sale.status(), (await sale.tick())[6]], [said, said]);
    await refund(sale, 1, 0);
    assert.deepEqual([await operators(sale), await sale.status()], [status, status]);
    await set(sale, 'floor', 'area', 5);
    await sale.run('sale_mend', 'ann', 'state', 'admitted', 'add', 0);
    assert.deepEqual([await operators(sale), await sale.status()], [status, status]);
    if (status === 'through') return;
    assert.equal((await sale.join('g:9'))[0][1], status === 'paused' ? 'wait' : status, 'newcomers hear what the operator says');
    await sale.tick();
    assert.notDeepEqual(await sale.stages('g:9'), ['claim'], 'and are not let in');
  });

test('O8 a sale that is closed while sold out, and opened again, is sold out as before', async (t) => {
  const sale = await start(t, 1);
  await buy(sale, 1, 0);
  await sale.load({}, { status: 'closed' });
  assert.equal(await sale.status(), 'closed');
  assert.deepEqual((await sale.load({}, { status: 'open' })).slice(0, 2), ['ok', 'sold_out']);
  assert.deepEqual(await told(sale), ['sold_out']);
});

test('L8 not sold out while a lot runs or will open, coupons or places of an area are left; then it is', async (t) => {
  const sale = await start(t, 1, 3);
  await set(sale, 'coupon', 'coupon', 2);
  await set(sale, 'floor', 'area', 1);
  await sale.run('auction_set', 'guitar', 1000, 100, 100000, Date.now() + 3600000, Date.now() + 7200000, 0, 60000, 'ann');
  await buy(sale, 1, 0);
  assert.equal(await sale.status(), 'open');
  await sale.run('stock_take', 'g:2', 2, 'b', 'floor', 1);
  await sale.run('order_checkout', 'g:2', 2, 'o:2');
  await sale.run('order_pay', 'o:2', 'p:2', 'paid', 0, 'EUR');
  await give(sale, 'c:1', 'g:3', 'coupon', 2);
  assert.equal(await sale.status(), 'open', 'a lot will open');
  assert.equal((await sale.run('auction_set', 'guitar', 1000, 100, 100000, Date.now() - 2000, Date.now() - 1000, 0, 60000, 'ann'))[0], 'ok');
  await sale.tick();
  assert.equal(await sale.status(), 'sold_out', 'the lot is over');
  await sale.run('stock_grant', 'take_back', 'c:1', 'ann');
  assert.equal(await sale.status(), 'open', 'a coupon came back');
  await give(sale, 'c:2', 'g:3', 'coupon', 2);
  assert.equal(await sale.status(), 'sold_out');
  await set(sale, 'coupon', 'coupon', 3);
  assert.equal(await sale.status(), 'open', 'one more');
  assert.deepEqual(await told(sale), ['sold_out', 'open', 'sold_out', 'open']);
});

test('L8 a sale of coupons only lets people in while some are left, and is sold out with the last one', async (t) => {
  const sale = await start(t, 0, 0);
  await set(sale, 'coupon', 'coupon', 2);
  await sale.inside('g:1');
  await give(sale, 'c:1', 'g:1', 'coupon');
  assert.equal(await sale.status(), 'open');
  await give(sale, 'c:2', 'g:1', 'coupon');
  assert.equal(await sale.status(), 'sold_out');
  assert.equal((await sale.join('g:2'))[0][1], 'sold_out');
});

test('O8 a state of 0.1.0 that has "sold_out" as its status gets the operator\'s back from PostgreSQL', async (t) => {
  const sale = await start(t, 1);
  await set(sale, 'coupon', 'coupon', 5);
  await give(sale, 'c:1', 'g:2', 'coupon', 2);
  await buy(sale, 1, 0);
  await sale.redis.hdel(sale.key.state, 'sold_out', 'grants_left', 'granted');
  await sale.redis.hset(sale.key.state, 'status', 'sold_out');
  assert.equal(await sale.status(), 'sold_out');
  sale.version--;
  assert.deepEqual((await sale.load({}, { status: 'paused', total: 1 })).slice(0, 2), ['ok', 'paused'], 'the same version; coupons are left');
  assert.deepEqual(await sale.state('sold_out', 'grants_left', 'granted'), [0, 3, 2]);
  const { kind, body } = (await sale.log()).at(-1);
  assert.deepEqual([kind, body.status, body.sold_out], ['settings', 'paused', 0]);
  sale.version--;
  const seq = await sale.state('seq');
  await sale.load({}, { status: 'paused', total: 1 });
  assert.deepEqual(await sale.state('seq'), seq, 'once');
});

test('O8 a state of 0.1.0 whose status is the same is taken over as well', async (t) => {
  const sale = await start(t, 10);
  await set(sale, 'coupon', 'coupon', 5);
  await sale.redis.hdel(sale.key.state, 'sold_out', 'grants_left', 'granted');
  sale.version--;
  await sale.load({}, { total: 10 });
  assert.deepEqual(await sale.redis.hmget(sale.key.state, 'sold_out', 'grants_left', 'granted'), ['0', '5', '0']);
});

test('S5 the 2001st item is refused before anything is written, and so is a lot; a state that counts more items than it has goes on', async (t) => {
  const sale = await start(t, 10, 1);
  await set(sale, 'coupon', 'coupon', 5);
  await sale.redis.hset(sale.key.stock, 'items', 2000);
  const before = await sale.redis.hgetall(sale.key.stock), seq = await sale.state('seq');
  assert.deepEqual(await set(sale, 'more', 'coupon', 5), ['too_many_items']);
  const lot = ['auction_set', 'guitar', 1000, 100, 100000, Date.now(), Date.now() + 100000, 0, 60000, 'ann'];
  assert.deepEqual(await sale.run(...lot), ['too_many_items']);
  assert.deepEqual(await sale.redis.hgetall(sale.key.stock), before);
  assert.deepEqual(await sale.state('seq'), seq);
  assert.equal((await set(sale, 'coupon', 'coupon', 6))[0], 'ok', 'those there are can be changed');
  assert.deepEqual((await sale.run('stock_read')).map((item) => item[1]).slice(1), ['coupon']);
  await sale.redis.hset(sale.key.state, 'closing', 1);
  assert.equal((await sale.tick())[0], 'ok', 'the clock skips what is not there');
});

test('O7 the currency is fixed once somebody is inside, or anything was held, bidden for, ordered or sold', async (t) => {
  const sale = await start(t, 10, 0);
  const change = async (currency) => {
    const answer = await sale.load({ currency });
    if (answer[0] !== 'ok') sale.settings.currency = answer[3];
    return answer.slice(0, 4);
  };
  const fixed = ['setting_fixed', 'currency', 'JPY', 'JPY'];
  assert.equal((await change('JPY'))[0], 'ok');
  await sale.inside('g:1');
  assert.deepEqual(await change('EUR'), fixed, 'inside');
  await sale.hold('g:1', 1, 'a', 0);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  await sale.run('line_leave', 'g:1');
  assert.deepEqual(await change('EUR'), fixed, 'ordered');
  await sale.redis.del(sale.key.orders);
  assert.equal((await change('EUR'))[0], 'ok', 'nothing');
  await sale.run('auction_set', 'guitar', 1000, 100, 100000, Date.now() - 1000, Date.now() + 3600000, 0, 60000, 'ann');
  assert.equal((await change('JPY'))[0], 'ok', 'a lot without a bid');
  const number = await sale.inside('g:2');
  await sale.run('auction_bid', 'g:2', number, 'b', 'guitar', 1000, 'JPY');
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await change('EUR'), fixed, 'a bid');
  assert.deepEqual(await sale.run('sale_check', 'currency', 'EUR'), fixed.slice(0, 3));
  assert.deepEqual(await sale.run('sale_check', 'currency', 'JPY', 'limit', '9'), ['ok']);
  assert.deepEqual(await sale.redis.hmget(sale.key.state, 'currency'), ['JPY']);
});
