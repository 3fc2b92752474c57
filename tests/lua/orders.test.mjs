// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sale, startScripts } from '../lib/scripts.mjs';

async function paying(t, seats = [1, 2], settings = {}, total = 100) {
  const sale = new Sale(await startScripts(t));
  await sale.load(settings, { total });
  const number = await sale.inside('g:1');
  await sale.hold('g:1', number, 'k', ...seats);
  await sale.run('order_checkout', 'g:1', number, 'o:1');
  return sale;
}
const pay = (sale, payment = 'p:1', outcome = 'paid', amount = 2000, currency = 'EUR') => sale.run('order_pay', 'o:1', payment, outcome, amount, currency);
const kinds = async (sale) => (await sale.log()).map(({ kind }) => kind);

test('O2 T2 the same payment told 10 times at once is one sale', async (t) => {
  const sale = await paying(t);
  const answers = await Promise.all(Array.from({ length: 10 }, () => pay(sale)));
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal((await kinds(sale)).filter((kind) => kind === 'paid').length, 1);
  assert.deepEqual(await sale.state('sold', 'free'), [2, 98]);
});

test('O2 T2 the same order sent 10 times at once is one order', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  const number = await sale.inside('g:1');
  await sale.hold('g:1', number, 'k', 1);
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => sale.run('order_checkout', 'g:1', number, `o:${i}`)));
  assert.equal(new Set(answers.map(([, , order]) => order)).size, 1);
  assert.equal((await kinds(sale)).filter((kind) => kind === 'checkout').length, 1);
  assert.equal(await sale.redis.hlen(sale.key.orders), 1);
});

test('O1 declined: the seats are free and the next one is admitted; declined after paid changes nothing', async (t) => {
  const sale = await paying(t, [1, 2], { policy: 'capacity', capacity: 1 });
  await sale.join('g:2');
  assert.equal((await pay(sale, 'p:1', 'declined'))[1], 'declined');
  assert.deepEqual(await sale.stages('g:1', 'g:2'), ['out', 'claim']);
  assert.deepEqual(await sale.state('free'), [100]);
  const other = new Sale(sale.redis, 'other');
  await other.load();
  const number = await other.inside('g:1');
  await other.hold('g:1', number, 'k', 1);
  await other.run('order_checkout', 'g:1', number, 'o:1');
  await pay(other, 'p:1', 'paid', 1000);
  assert.equal((await pay(other, 'p:2', 'declined'))[1], 'paid');
  assert.deepEqual(await other.state('sold'), [1]);
});

test('O1 paid after the hold ran out, after a decline, twice, or a wrong sum: refunded, once per payment', async (t) => {
  const sale = await paying(t);
  await sale.expire('g:1');
  assert.equal((await pay(sale))[1], 'refund_due');
  assert.deepEqual(await pay(sale), await pay(sale));
  assert.deepEqual(await sale.state('sold', 'free'), [0, 100]);
  assert.equal((await kinds(sale)).filter((kind) => kind === 'refund_due').length, 1);

  const wrong = new Sale(sale.redis, 'wrong');
  await wrong.load();
  const number = await wrong.inside('g:1');
  await wrong.hold('g:1', number, 'k', 1);
  await wrong.run('order_checkout', 'g:1', number, 'o:1');
  assert.equal((await pay(wrong, 'p:1', 'paid', 999))[1], 'refund_due');
  assert.equal((await pay(wrong, 'p:2', 'paid', 1000, 'USD'))[1], 'refund_due');
  assert.equal((await pay(wrong, 'p:3', 'paid', 1000))[1], 'paid');
  assert.equal((await pay(wrong, 'p:4', 'paid', 1000))[1], 'refund_due', 'paid twice');
  assert.deepEqual(await wrong.state('sold'), [1]);
});

test('O1 declined and then paid, in either order of arrival, never sells without money or keeps money without a sale', async (t) => {
  const sale = await paying(t);
  await pay(sale, 'p:1', 'declined');
  assert.equal((await pay(sale, 'p:2', 'paid'))[1], 'refund_due');
  assert.deepEqual(await sale.state('sold', 'free'), [0, 100]);
});

test('O1 money for an order that is over is given back even if the same person is inside again', async (t) => {
  const sale = await paying(t);
  await pay(sale, 'p:1', 'declined');
  const [[number]] = await sale.joinAs('1', 'g:1');
  await sale.tick();
  await sale.run('line_enter', 'g:1', number);
  await sale.hold('g:1', number, 'k2', 7);
  assert.equal((await pay(sale, 'p:2', 'paid'))[1], 'refund_due');
  assert.deepEqual(await sale.stages('g:1'), ['choose']);
  assert.deepEqual(await sale.state('sold', 'free'), [0, 99]);
});

test('an unknown order is named so', async (t) => {
  const sale = await paying(t);
  assert.deepEqual(await sale.run('order_pay', 'o:none', 'p:1', 'paid', 1, 'EUR'), ['unknown_order']);
  assert.deepEqual(await sale.run('order_read', 'o:none'), ['unknown_order']);
});

test('L8 the last seat sold makes the sale sold out; who comes then is told so', async (t) => {
  const sale = await paying(t, [0, 1], {}, 2);
  await sale.join('g:2');
  await pay(sale);
  assert.equal(await sale.redis.hget(sale.key.state, 'status'), 'sold_out');
  assert.equal((await sale.join('g:3'))[0][1], 'sold_out');
  assert.deepEqual((await sale.join('g:1'))[0], [1, 'out', 0, 'o:1'], 'a buyer hears how it ended for him');
  await sale.load({}, { status: 'closed' });
  assert.equal((await sale.join('g:3'))[0][1], 'closed', 'ended is another answer');
});

test('P1 every decision is in the log with what it takes to rebuild it', async (t) => {
  const sale = await paying(t, [1, 2]);
  await pay(sale);
  const log = await sale.log();
  assert.deepEqual(log.map(({ kind }) => kind), ['load', 'join', 'admit', 'enter', 'seats', 'checkout', 'paid']);
  const paid = log.at(-1).body;
  assert.deepEqual([paid.person, paid.order, paid.payment, paid.seats, paid.amount], ['g:1', 'o:1', 'p:1', [1, 1000, 2, 1000], 2000]);
});
