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

test('O5 money for an order that nobody knows is given back, once; an order that nobody knows can be declined', async (t) => {
  const sale = await paying(t);
  assert.deepEqual(await sale.run('order_read', 'o:none'), ['unknown_order']);
  assert.deepEqual((await sale.run('order_pay', 'o:none', 'p:0', 'declined', 1, 'EUR')).slice(0, 2), ['ok', 'declined']);
  for (const outcome of ['paid', 'declined'])
    assert.deepEqual(await sale.run('order_pay', 'o:none', 'p:1', outcome, 700, 'USD', 'known'), ['unknown_order'], 'maybe of another boxoffice');
  assert.deepEqual(await sale.run('order_read', 'o:none'), ['unknown_order']);
  const told = await sale.run('order_pay', 'o:none', 'p:1', 'paid', 700, 'USD');
  assert.deepEqual(told.slice(0, 2), ['ok', 'refund_due']);
  assert.deepEqual(await sale.run('order_pay', 'o:none', 'p:1', 'paid', 700, 'USD'), told);
  const { kind, body } = (await sale.log()).at(-1);
  assert.deepEqual([kind, body.order, body.person, body.payment, body.refund, body.amount, body.currency], ['refund_due', 'o:none', '', 'p:1', 'vain:p:1', 700, 'USD']);
  assert.equal((await sale.log()).filter((r) => r.kind === 'refund_due').length, 1);
});

test('O5 what nobody has paid is not owed back', async (t) => {
  const sale = await paying(t);
  for (const amount of [0, -5]) {
    assert.deepEqual(await pay(sale, 'p:1', 'paid', amount), ['bad_message']);
    assert.deepEqual(await sale.run('order_pay', 'o:none', 'p:1', 'paid', amount, 'EUR'), ['bad_message']);
  }
  assert.equal((await pay(sale))[1], 'paid');
  assert.deepEqual(await pay(sale, 'p:2', 'paid', 0), ['bad_message']);
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

const refund = (sale, id, amount, become, ...seats) => sale.run('order_refund', 'o:1', id, amount, become, 'ann', 'why', '', ...seats);

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
  let serial = 0;
  const hand = (seat, from, to) => sale.run('ticket_transfer', seat, 'o:1', serial, from, to);
  assert.deepEqual(await hand(1, 'g:1', 'g:2'), ['ticket_void'], 'not paid');
  [, , serial] = await pay(sale);
  assert.deepEqual(await hand(1, 'g:2', 'g:3'), ['ticket_void']);
  const [, handed] = await hand(1, 'g:1', 'g:2');
  assert.deepEqual(await hand(1, 'g:1', 'g:3'), ['ticket_void']);
  assert.deepEqual((await sale.log()).at(-1).body, { seat: 1, order: 'o:1', from: 'g:1', to: 'g:2' });
  assert.deepEqual(await hand(1, 'g:2', 'g:3'), ['ticket_void'], 'an offer of before');
  serial = handed;
  await hand(1, 'g:2', 'g:1');
  assert.deepEqual(await hand(1, 'g:1', 'g:2'), ['ticket_void'], 'it is again the first one’s, and yet another ticket');
  assert.deepEqual(await sale.run('ticket_transfer', 1, 'o:none', serial, 'g:1', 'g:2'), ['ticket_void']);
  assert.deepEqual((await refund(sale, 'r:1', '-', 'free', 1)).slice(0, 3), ['ok', 'part_refunded', 1000], 'the buyer gives it back, whoever has it');
  assert.deepEqual(await hand(1, 'g:1', 'g:3'), ['ticket_void']);
});

const door = (sale, serial, way = 'in', { seat = 1, at = 0, by = 'north' } = {}) => sale.run('ticket_check_in', seat, 'o:1', serial, way, at, by);

test('O4 a ticket is let in once, and not once it is handed on or given back', async (t) => {
  const sale = await paying(t);
  assert.deepEqual(await door(sale, 1), ['ticket_void'], 'not paid');
  const [, , serial] = await pay(sale);
  assert.deepEqual(await door(sale, serial + 1), ['ticket_void']);
  assert.deepEqual(await door(sale, serial, 'in', { seat: 7 }), ['ticket_void']);
  const [, handed] = await sale.run('ticket_transfer', 1, 'o:1', serial, 'g:1', 'g:2');
  assert.deepEqual(await door(sale, serial), ['ticket_void'], 'the code of before');
  assert.equal((await door(sale, handed, 'in', { at: 1234 }))[2], 1234, 'told later, by a door without a network');
  assert.deepEqual((await sale.log()).at(-1), { seq: (await sale.state('seq'))[0], kind: 'check_in', body: { seat: 1, order: 'o:1', serial: handed, at: 1234, by: 'north' } });
  assert.deepEqual(await door(sale, handed, 'in', { by: 'south' }), ['already_checked_in', 1234, 'north']);
  assert.deepEqual(await sale.run('ticket_transfer', 1, 'o:1', handed, 'g:2', 'g:3'), ['already_checked_in', 1234, 'north']);
  assert.equal((await door(sale, handed, 'out'))[0], 'ok');
  assert.equal((await sale.log()).at(-1).kind, 'check_out');
  assert.equal((await door(sale, handed))[0], 'ok', 'and in again');
  const due = await sale.run('order_refund', 'o:1', 'r:1', '-', 'free', 'ann', '', '', 1, 2);
  assert.deepEqual(due, ['already_checked_in', 0, [1]]);
  assert.deepEqual((await refund(sale, 'r:2', '-', 'free', 2)).slice(0, 2), ['ok', 'part_refunded'], 'the other one');
  assert.deepEqual((await sale.run('order_refund', 'o:1', 'r:1', '-', 'free', 'ann', '', 'force', 1)).slice(0, 2), ['ok', 'refunded']);
  assert.deepEqual(await door(sale, handed), ['ticket_void']);
});

test('O4 orders of version 0.1.0, which did not keep serials, take the word of who looked them up', async (t) => {
  const sale = await paying(t);
  const [, , serial] = await pay(sale);
  await sale.redis.eval("local o = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'o:1')) o.cur = nil redis.call('HSET', KEYS[1], 'o:1', cmsgpack.pack(o))", 1, sale.key.orders);
  await sale.redis.hset(sale.key.seats, 1, 'g:2'); // handed on then
  assert.deepEqual(await sale.run('ticket_transfer', 1, 'o:1', serial - 1, 'g:2', 'g:3'), ['ticket_void']);
  const [code, handed] = await sale.run('ticket_transfer', 1, 'o:1', serial + 20, 'g:2', 'g:3');
  assert.equal(code, 'ok');
  assert.deepEqual(await door(sale, serial + 20), ['ticket_void'], 'from now on they are kept');
  assert.equal((await door(sale, handed))[0], 'ok');
});

/* ---- money and seats of a refund ---- */

test('O5 the same refund id is the same refund, and nothing else', async (t) => {
  const sale = await paying(t);
  await pay(sale);
  const first = await refund(sale, 'r:1', 500, 'free', 1);
  assert.equal(first[0], 'ok');
  assert.deepEqual(await refund(sale, 'r:1', 500, 'free', 1), first);
  assert.deepEqual(await refund(sale, 'r:1', '-', 'free', 1), first, 'the prices are what was left out');
  for (const other of [[501, 'free', 1], [500, 'block', 1], [500, 'free', 2], [500, 'free']]) assert.deepEqual(await refund(sale, 'r:1', ...other), ['key_reused']);
});

test('O5 an operator’s refund whose id is that of a payment hides no money that came in vain', async (t) => {
  const sale = await paying(t);
  await pay(sale);
  assert.equal((await refund(sale, 'p:2', 300, 'free'))[0], 'ok');
  assert.equal((await pay(sale, 'p:2'))[1], 'refund_due');
  assert.deepEqual((await kinds(sale)).slice(-2), ['refund', 'refund_due']);
});

test('O5 money that came in vain under version 0.1.0 is not owed a second time', async (t) => {
  const sale = await paying(t);
  await sale.expire('g:1');
  await pay(sale);
  await sale.redis.eval("local o = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'o:1')) o.refunds = {['p:1'] = o.refunds['vain:p:1']} redis.call('HSET', KEYS[1], 'o:1', cmsgpack.pack(o))",
    1, sale.key.orders);
  await pay(sale);
  assert.equal((await kinds(sale)).filter((kind) => kind === 'refund_due').length, 1);
});

test('O5 under the id of money that came in vain under version 0.1.0 nothing else is given back', async (t) => {
  const sale = await paying(t);
  await pay(sale);
  await pay(sale, 'p:2');
  await sale.redis.eval("local o = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'o:1')) o.refunds = {['p:2'] = o.refunds['vain:p:2']} redis.call('HSET', KEYS[1], 'o:1', cmsgpack.pack(o))",
    1, sale.key.orders);
  assert.deepEqual(await refund(sale, 'p:2', '-', 'free', 1), ['key_reused'], 'not the refund that was owed for it');
});

test('O5 money and seats are judged apart: an order is refunded when no seat is left', async (t) => {
  const sale = await paying(t);
  await pay(sale);
  assert.deepEqual((await refund(sale, 'r:1', 2000, 'free', 1)).slice(0, 3), ['ok', 'part_refunded', 2000], 'all the money for one of two seats');
  assert.deepEqual(await refund(sale, 'r:2', '-', 'free', 2), ['refund_too_much', 0]);
  assert.deepEqual((await refund(sale, 'r:2', 0, 'free', 2)).slice(0, 3), ['ok', 'refunded', 0]);
  assert.deepEqual(await sale.state('sold', 'free'), [0, 100]);

  const kind = new Sale(sale.redis, 'kind');
  await kind.load();
  const number = await kind.inside('g:1');
  await kind.hold('g:1', number, 'k', 1);
  await kind.run('order_checkout', 'g:1', number, 'o:1');
  await pay(kind, 'p:1', 'paid', 1000);
  assert.deepEqual(await refund(kind, 'r:0', 0, 'free'), ['bad_message'], 'nothing at all');
  assert.deepEqual((await refund(kind, 'r:1', 300, 'free', 1)).slice(0, 3), ['ok', 'refunded', 300]);
  assert.deepEqual((await refund(kind, 'r:2', 700, 'free')).slice(0, 3), ['ok', 'refunded', 700], 'what was kept is given back later');
  assert.deepEqual(await refund(kind, 'r:3', 1, 'free'), ['refund_too_much', 0]);
});

test('P1 a list that is empty is a list in the log, too', async (t) => {
  const sale = await paying(t);
  await pay(sale);
  await refund(sale, 'r:1', 300, 'free');
  const raw = (await sale.redis.xrange(sale.key.log, '-', '+')).at(-1)[1][5];
  assert.match(raw, /"seats":\[\]/);
  await sale.run('line_leave', 'g:1');
  await sale.inside('g:2');
  await sale.run('line_leave', 'g:2');
  const end = (await sale.redis.xrange(sale.key.log, '-', '+')).map(([, fields]) => fields).filter((fields) => fields[1] === 'end').at(-1);
  assert.match(end[5], /"seats":\[\]/);
});

/* ---- nothing to pay ---- */

async function free(t, ...prices) {
  const sale = new Sale(await startScripts(t));
  await sale.load({ limit: 4 }, { total: 4 });
  const number = await sale.inside('g:1');
  await sale.run('seats_choose', 'g:1', number, 'k', 'hold', 0, prices.length * 2, 0, ...prices.flatMap((price, seat) => [seat, price]));
  return { sale, number };
}

test('O6 an order of 0 is paid at checkout, and checking out again is the same order', async (t) => {
  const { sale, number } = await free(t, 0, 0);
  const told = await sale.run('order_checkout', 'g:1', number, 'o:1');
  const [{ seq, body }] = (await sale.log()).filter(({ kind }) => kind === 'paid');
  assert.deepEqual([told.slice(0, 1), told.slice(2, 4), told[6]], [['ok'], ['o:1', 0], seq]);
  assert.deepEqual([body.payment, body.amount, body.seats], ['', 0, [0, 0, 1, 0]]);
  assert.deepEqual(await sale.state('sold', 'free'), [2, 2]);
  assert.deepEqual(await sale.stages('g:1'), ['out']);
  assert.deepEqual((await sale.run('order_checkout', 'g:1', number, 'o:2')).slice(2), ['o:1', 0, 0, [0, 0, 1, 0], seq]);
  assert.deepEqual(await pay(sale, '', 'paid', 0), ['ok', 'paid', seq]);
  assert.deepEqual(await pay(sale, 'p:1', 'paid', 0), ['ok', 'paid', seq], 'nothing came, and nothing is owed');
  assert.equal((await pay(sale, 'p:1', 'paid', 500))[1], 'refund_due', 'somebody paid all the same');
  assert.deepEqual((await refund(sale, 'r:1', '-', 'free', 0)).slice(0, 3), ['ok', 'part_refunded', 0]);
  assert.deepEqual((await refund(sale, 'r:2', '-', 'free', 1)).slice(0, 3), ['ok', 'refunded', 0]);
});

test('O6 one seat that costs something is paid for', async (t) => {
  const { sale, number } = await free(t, 0, 900);
  assert.deepEqual((await sale.run('order_checkout', 'g:1', number, 'o:1')).slice(2, 4), ['o:1', 900]);
  assert.deepEqual(await sale.state('sold'), [0]);
});

test('an order that a person names is one that was won, or unknown', async (t) => {
  const { sale, number } = await free(t, 500);
  for (const order of ['o:anything', 'o:9']) assert.deepEqual(await sale.run('order_checkout', 'g:1', number, 'o:9', order), ['unknown_order']);
  assert.equal((await sale.run('order_checkout', 'g:1', number, 'o:9', ''))[2], 'o:9');
  assert.deepEqual(await sale.run('order_checkout', 'g:1', number, 'o:10', 'o:9'), ['unknown_order'], 'his own, and not of a lot');
});
