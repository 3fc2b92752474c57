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
  assert.equal(await sale.status(), 'sold_out');
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

const refund = (sale, id, amount, become, ...seats) => sale.run('order_refund', 'o:1', id, amount, become, 'ann', 'why', ...seats);

test('O1 a refund of one seat: its ticket is void, it is for sale again, and the same refund again changes nothing', async (t) => {
  const sale = await paying(t);
  assert.deepEqual(await refund(sale, 'r:0', '-', 'free', 1), ['not_paid']);
  await pay(sale);
  assert.deepEqual((await refund(sale, 'r:1', '-', 'free', 1)).slice(0, 3), ['ok', 'part_refunded', 1000]);
  assert.deepEqual((await refund(sale, 'r:1', '-', 'free', 1)).slice(0, 3), ['ok', 'part_refunded', 1000]);
  assert.deepEqual(await sale.state('sold', 'free'), [1, 99]);
  assert.equal((await sale.redis.get(sale.key.map)).slice(0, 4), '0020');
  assert.equal((await sale.redis.hget(sale.key.seats, 1)), null);
  assert.deepEqual(await refund(sale, 'r:2', '-', 'free', 1), ['unknown_ticket'], 'it is void already');
  assert.deepEqual(await refund(sale, 'r:2', 1001, 'free'), ['refund_too_much', 1000]);
  assert.deepEqual((await refund(sale, 'r:3', 300, 'free')).slice(0, 3), ['ok', 'part_refunded', 300], 'kindly, the ticket stays');
  assert.deepEqual(await refund(sale, 'r:4', 701, 'block', 2), ['refund_too_much', 700]);
  assert.deepEqual((await refund(sale, 'r:4', 700, 'block', 2)).slice(0, 3), ['ok', 'refunded', 700]);
  assert.deepEqual(await sale.state('sold', 'free', 'blocked'), [0, 99, 1]);
  assert.deepEqual((await pay(sale)).slice(0, 2), ['ok', 'refunded'], 'the payment told once more');
  assert.deepEqual((await pay(sale, 'p:2')).slice(0, 2), ['ok', 'refund_due'], 'and paid once more');
  assert.deepEqual((await kinds(sale)).filter((kind) => kind === 'refund').length, 3);
});

test('S2 a seat that was given back counts no more for the limit, and a sold-out sale goes on', async (t) => {
  const sale = await paying(t, [0, 1], { limit: 2, choosers_per_seat: 5 }, 2);
  await pay(sale);
  assert.equal(await sale.status(), 'sold_out');
  await refund(sale, 'r:1', '-', 'free', 0);
  assert.equal(await sale.status(), 'open');
  const [[number]] = await sale.joinAs('1', 'g:1');
  await sale.tick();
  await sale.run('line_enter', 'g:1', number);
  assert.equal((await sale.hold('g:1', number, 'again', 0))[0], 'ok');
});

test('O4 a ticket changes hands once for each offer, and only from who has it', async (t) => {
  const sale = await paying(t);
  const hand = (seat, from, to) => sale.run('ticket_transfer', seat, from, to);
  assert.deepEqual(await hand(1, 'g:1', 'g:2'), ['ticket_void'], 'not paid');
  await pay(sale);
  assert.deepEqual(await hand(1, 'g:2', 'g:3'), ['ticket_void']);
  assert.equal((await hand(1, 'g:1', 'g:2'))[0], 'ok');
  assert.deepEqual(await hand(1, 'g:1', 'g:3'), ['ticket_void']);
  assert.deepEqual((await sale.log()).at(-1).body, { seat: 1, from: 'g:1', to: 'g:2' });
  assert.deepEqual((await refund(sale, 'r:1', '-', 'free', 1)).slice(0, 3), ['ok', 'part_refunded', 1000], 'the buyer gives it back, whoever has it');
  assert.deepEqual(await hand(1, 'g:2', 'g:3'), ['ticket_void']);
});
