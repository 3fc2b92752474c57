// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGrants } from '../lib/checker.mjs';
import { asNumbers, Sale, startScripts } from '../lib/scripts.mjs';

async function crowd(t, count, settings, total) {
  const sale = new Sale(await startScripts(t));
  await sale.load({ rate_count: 100000, capacity: 100000, ...settings }, { total });
  const people = Array.from({ length: count }, (_, i) => `g:${i + 1}`);
  await sale.join(...people);
  await sale.tick();
  await Promise.all(people.map((person, i) => sale.run('line_enter', person, i + 1)));
  return { sale, people };
}

const granted = (answers, people, seatOf) => answers.flatMap(([code], i) => (code === 'ok' ? [{ person: people[i], seat: seatOf(i) }] : []));

test('S1 T2 30 people reach for 10 seats at once: exactly 10 get one', async (t) => {
  const { sale, people } = await crowd(t, 30, {}, 10);
  const answers = await Promise.all(people.map((person, i) => sale.hold(person, i + 1, 'k', i % 10)));
  const grants = granted(answers, people, (i) => i % 10);
  assert.equal(grants.length, 10);
  assert.deepEqual(checkGrants({ stock: 10, left: (await sale.state('free'))[0], grants, limit: 3 }), []);
});

test('T2 100 people for 100 seats: everyone gets his', async (t) => {
  const { sale, people } = await crowd(t, 100, {}, 100);
  const answers = await Promise.all(people.map((person, i) => sale.hold(person, i + 1, 'k', i)));
  const grants = granted(answers, people, (i) => i);
  assert.equal(grants.length, 100);
  assert.deepEqual(checkGrants({ stock: 100, left: (await sale.state('free'))[0], grants, limit: 3 }), []);
});

test('T2 100 people for 30 seats, admitted 10 at a time: exactly 30 get one, and nobody else is let in', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'rate', rate_count: 10, rate_ms: 100 }, { total: 30 });
  const people = Array.from({ length: 100 }, (_, i) => `g:${i + 1}`);
  await sale.join(...people);
  const grants = [];
  for (let round = 0; grants.length < 30; round++) {
    assert.ok(round < 10000);
    await sale.tick();
    const stages = await sale.stages(...people);
    for (let i = 0; i < 100; i++) {
      if (stages[i] !== 'claim') continue;
      await sale.run('line_enter', people[i], i + 1);
      const [code] = await sale.hold(people[i], i + 1, 'k', grants.length);
      if (code === 'ok') grants.push({ person: people[i], seat: grants.length });
    }
  }
  await sale.load({ rate_count: 100000 }); // the rate would let everyone in now, the stock lets nobody
  await sale.tick();
  assert.deepEqual(checkGrants({ stock: 30, left: (await sale.state('free'))[0], grants, limit: 3 }), []);
  assert.equal((await sale.stages(...people)).filter((stage) => stage === 'wait').length, 70);
});

test('S2 at most 3 per person, over everything he holds and has bought', async (t) => {
  const { sale } = await crowd(t, 1);
  assert.equal((await sale.hold('g:1', 1, 'a', 1, 2))[0], 'ok');
  assert.deepEqual(await sale.hold('g:1', 1, 'b', 3, 4), ['limit_reached', 1]);
  assert.equal((await sale.hold('g:1', 1, 'c', 3))[0], 'ok');
  assert.deepEqual(await sale.hold('g:1', 1, 'd', 4), ['limit_reached', 0]);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  await sale.run('order_pay', 'o:1', 'p:1', 'paid', 3000, 'EUR');
  const [answer] = await sale.joinAs('1', 'g:1');
  await sale.tick();
  await sale.run('line_enter', 'g:1', answer[0]);
  assert.deepEqual(await sale.hold('g:1', answer[0], 'e', 9), ['limit_reached', 0]);
});

test('S2 many commands of one person at once do not add up to more than 3', async (t) => {
  const { sale } = await crowd(t, 1);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => sale.hold('g:1', 1, `k${i}`, i)));
  assert.equal(answers.filter(([code]) => code === 'ok').length, 3);
});

test('S3 all or nothing, and the answer names the seats that were refused', async (t) => {
  const { sale } = await crowd(t, 2);
  await sale.hold('g:1', 1, 'a', 5);
  assert.deepEqual(await sale.hold('g:2', 2, 'a', 4, 5, 6), ['seat_taken', 0, [5]]);
  assert.deepEqual(await sale.state('free'), [99]);
  assert.equal((await sale.redis.get(sale.key.map)).slice(4, 7), '010');
});

test('O2 the same key gives the same answer, another request under it is refused', async (t) => {
  const { sale } = await crowd(t, 2);
  const first = await sale.hold('g:1', 1, 'k', 5, 6);
  assert.deepEqual(await sale.hold('g:1', 1, 'k', 5, 6), first);
  assert.deepEqual(await sale.hold('g:1', 1, 'k', 7), ['key_reused']);
  assert.deepEqual(await sale.state('free'), [98]);
  const refused = await sale.hold('g:2', 2, 'k', 6);
  await sale.release('g:1', 1, 'r', 5, 6);
  assert.deepEqual(await sale.hold('g:2', 2, 'k', 6), refused, 'the answer of then, even if the seat is free now');
});

test('releasing gives back exactly what was named, and only one’s own', async (t) => {
  const { sale } = await crowd(t, 2);
  await sale.hold('g:1', 1, 'k', 1, 2, 3);
  assert.deepEqual(await sale.release('g:2', 2, 'r', 1), ['seat_not_yours', 0, [1]]);
  assert.deepEqual((await sale.release('g:1', 1, 'r', 2))[2], [1, 1000, 3, 1000]);
  assert.deepEqual(await sale.state('free'), [98]);
  assert.equal((await sale.redis.get(sale.key.map)).slice(0, 5), '01010');
  assert.equal((await sale.hold('g:2', 2, 'k', 2))[0], 'ok');
});

test('S8 from paying there is no way back to choosing', async (t) => {
  const { sale } = await crowd(t, 1);
  await sale.hold('g:1', 1, 'k', 1);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  assert.deepEqual(await sale.hold('g:1', 1, 'k2', 2), ['already_paying']);
  assert.deepEqual(await sale.release('g:1', 1, 'r', 1), ['already_paying']);
  assert.equal((await sale.run('order_checkout', 'g:1', 1, 'o:2'))[2], 'o:1', 'checking out again is the same order');
});

const holdIn = (sale, person, number, key, row, ...seats) => sale.holdIn(person, number, key, row, ...seats);

test('a hold leaves no free seat alone where it can be helped, if the sale says so', async (t) => {
  const { sale } = await crowd(t, 8, { no_single_seat: 1, limit: 20 }, 30);
  const row = [10, 19];
  assert.deepEqual(await holdIn(sale, 'g:1', 1, 'a', row, 11, 12), ['leaves_single', 0, [10]]);
  assert.deepEqual(await holdIn(sale, 'g:1', 1, 'b', row, 17, 18), ['leaves_single', 0, [19]]);
  assert.deepEqual(await holdIn(sale, 'g:1', 1, 'c', row, 12, 14), ['leaves_single', 0, [13]]);
  assert.equal((await holdIn(sale, 'g:1', 1, 'd', row, 10, 11))[0], 'ok', 'at the edge of the row');
  assert.equal((await holdIn(sale, 'g:2', 2, 'a', row, 15, 16))[0], 'ok', 'three are left on either side');
  assert.equal((await holdIn(sale, 'g:3', 3, 'a', row, 12, 13))[0], 'ok', 'of three one is left, whichever two are taken');
  assert.deepEqual(await holdIn(sale, 'g:4', 4, 'a', row, 18), ['leaves_single', 0, [17, 19]]);
  assert.equal((await holdIn(sale, 'g:4', 4, 'b', row, 14))[0], 'ok', 'the last one alone');
  await sale.load({ no_single_seat: 0 });
  assert.equal((await holdIn(sale, 'g:5', 5, 'a', row, 18))[0], 'ok');
});

test('the best seats: the first proposal that can be had, whole or not at all', async (t) => {
  const { sale } = await crowd(t, 4, { no_single_seat: 1 }, 30);
  const best = async (person, number, key, wish, ...firsts) =>
    asNumbers(await sale.run('seats_best', person, number, key, wish, 2, ...firsts.flatMap((seat) => [0, 29, seat, 1000, seat + 1, 1000])));
  await sale.hold('g:1', 1, 'k', 4);
  assert.deepEqual((await best('g:2', 2, 'a', '2 A', 3, 6, 8, 20))[2], [8, 1000, 9, 1000], 'of the first one is held, the second leaves one alone');
  assert.deepEqual((await best('g:2', 2, 'a', '2 A', 20))[2], [8, 1000, 9, 1000], 'the same key gives the same seats, whatever is proposed now');
  assert.equal((await best('g:2', 2, 'a', '2 B', 20))[0], 'key_reused');
  assert.equal((await best('g:2', 2, 'b', '2 A', 20))[0], 'limit_reached');
  assert.deepEqual(await best('g:3', 3, 'a', '2 A', 3, 8), ['none_together']);
  assert.deepEqual(await sale.state('free', 'seeking'), [27, 2]);
  assert.equal((await best('g:3', 3, 'a', '2 A', 20))[0], 'ok', 'nothing was remembered: it may be tried again');
});

test('seats kept back: nobody gets them, the sale is sold out without them, and goes on when they are put back', async (t) => {
  const { sale, people } = await crowd(t, 6, { choosers_per_seat: 10 }, 5);
  const blocked = await sale.run('seats_block', 'block', 'ann', 'camera', 3, 4);
  assert.deepEqual(blocked, ['ok', 3, 2, (await sale.log()).at(-1).seq], 'told once that record is committed');
  assert.equal(await sale.redis.get(sale.key.map), '00033');
  assert.deepEqual(await sale.hold(people[0], 1, 'a', 2, 3), ['seat_taken', 0, [3]]);
  await sale.hold(people[0], 1, 'b', 0, 1, 2);
  assert.deepEqual(await sale.run('seats_block', 'block', 'ann', '', 0), ['seat_taken', [0]], 'held');
  assert.deepEqual(await sale.run('seats_block', 'unblock', 'ann', '', 0, 4), ['not_blocked', [0]]);
  assert.deepEqual(await sale.state('free', 'blocked'), [0, 2]);
  await sale.run('order_checkout', people[0], 1, 'o:1');
  await sale.run('order_pay', 'o:1', 'p:1', 'paid', 3000, 'EUR');
  assert.equal(await sale.status(), 'sold_out');
  assert.deepEqual((await sale.run('seats_block', 'unblock', 'ann', '', 4)).slice(0, 3), ['ok', 1, 1]);
  assert.equal(await sale.status(), 'open');
  assert.equal((await sale.hold(people[1], 2, 'a', 4))[0], 'ok');
  const changes = (await sale.log()).filter(({ kind }) => kind.endsWith('block')).map(({ kind, body }) => [kind, body.actor, body.why, body.seats]);
  assert.deepEqual(changes, [['block', 'ann', 'camera', [3, 4]], ['unblock', 'ann', '', [4]]]);
});

test('A6 more time for choosing, as often as the sale gives it', async (t) => {
  const { sale } = await crowd(t, 2, { choose_ms: 60000, extend_ms: 30000, extend_max: 2 }, 5);
  const deadline = async () => (await sale.run('line_find', 'g:1'))[2][2];
  const first = await deadline();
  const extend = async (key) => asNumbers(await sale.run('line_extend', 'g:1', 1, key));
  assert.deepEqual(await extend('a'), ['ok', first + 30000, [1]]);
  assert.deepEqual(await extend('a'), ['ok', first + 30000, [1]], 'the same key, the same answer');
  assert.deepEqual(await extend('b'), ['ok', first + 60000, [0]]);
  assert.deepEqual(await extend('c'), ['no_more_time']);
  assert.equal(await deadline(), first + 60000);
  await sale.hold('g:1', 1, 'k', 0);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  assert.deepEqual(await extend('d'), ['already_paying']);
  await sale.load({ extend_ms: 0 });
  assert.deepEqual(await sale.run('line_extend', 'g:2', 2, 'a'), ['no_more_time']);
  await sale.expire('g:2');
  assert.deepEqual(await sale.run('line_extend', 'g:2', 2, 'b'), ['admission_expired']);
});

test('a channel has its quota, and what is reserved for it nobody else gets', async (t) => {
  const channels = JSON.stringify({ club: { quota: 3, reserved: true }, partner: { quota: 1, reserved: false } });
  const { sale } = await crowd(t, 6, { channels, limit: 4, choosers_per_seat: 10 }, 6);
  const channel = (person, number, name, code) => sale.run('line_channel', person, number, `c${code}`, name, code);
  assert.deepEqual(await sale.hold('g:1', 1, 'a', 0, 1, 2, 3), ['quota_reached', 3], 'three of the six are the club’s');
  assert.equal((await sale.hold('g:1', 1, 'b', 0, 1))[0], 'ok');
  assert.equal((await channel('g:2', 2, 'club', 'i:1'))[0], 'ok');
  assert.deepEqual(await channel('g:3', 3, 'club', 'i:1'), ['invitation_used']);
  assert.deepEqual(await sale.hold('g:2', 2, 'a', 2, 3, 4, 5), ['quota_reached', 3]);
  assert.equal((await sale.hold('g:2', 2, 'b', 2, 3, 4))[0], 'ok');
  assert.deepEqual(await channel('g:2', 2, 'partner', 'i:2'), ['something_held']);
  assert.equal((await channel('g:4', 4, 'club', 'i:3'))[0], 'ok');
  assert.deepEqual(await sale.hold('g:4', 4, 'a', 5), ['quota_reached', 0]);
  assert.deepEqual(await sale.state('used:club', 'free'), [3, 1]);
  await sale.release('g:2', 2, 'r', 2);
  assert.equal((await sale.hold('g:4', 4, 'b', 5))[0], 'ok', 'what the channel gave back is its own again');
  assert.deepEqual(await sale.hold('g:5', 5, 'a', 2), ['ok', ...(await sale.hold('g:5', 5, 'a', 2)).slice(1)], 'the quota is used up, the rest is for everybody');
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.state('used:club'), [1], 'who leaves gives it back');
});

test('who is let in does not count on what is reserved for a channel', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ channels: JSON.stringify({ club: { quota: 4, reserved: true } }) }, { total: 6 });
  await sale.join(...Array.from({ length: 6 }, (_, i) => `g:${i + 1}`));
  await sale.tick();
  assert.equal((await sale.state('admitted'))[0], 2);
});

test('a reduced price has its own limits, per person and in all, over what is held and bought', async (t) => {
  const { sale } = await crowd(t, 4, { limit: 6, choosers_per_seat: 10 }, 20);
  const child = (seat) => [seat, 'child', 2, 3];
  assert.deepEqual(await sale.holdReduced('g:1', 1, 'a', [0, 1, 2], child(0), child(1), child(2)), ['tariff_limit', 2]);
  assert.equal((await sale.holdReduced('g:1', 1, 'b', [0, 1], child(0), child(1)))[0], 'ok');
  assert.deepEqual(await sale.holdReduced('g:2', 2, 'a', [5, 6], child(5), child(6)), ['tariff_limit', 1], 'three in all');
  assert.deepEqual(await sale.state('tariff:child', 'free'), [2, 18]);
  await sale.release('g:1', 1, 'r', 1);
  assert.deepEqual(await sale.state('tariff:child'), [1]);
  await sale.run('order_checkout', 'g:1', 1, 'o:1');
  assert.equal((await sale.run('order_pay', 'o:1', 'p:1', 'paid', 1000, 'EUR'))[1], 'paid');
  assert.deepEqual((await sale.log()).at(-1).body.reduced, { 0: 'child' });
  assert.equal((await sale.holdReduced('g:2', 2, 'b', [5, 6], child(5), child(6)))[0], 'ok');
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.state('tariff:child'), [1], 'what was bought still counts');
  const [[number]] = await sale.joinAs('1', 'g:1');
  await sale.tick();
  await sale.run('line_enter', 'g:1', number);
  assert.deepEqual(await sale.holdReduced('g:1', number, 'c', [8, 9], child(8), child(9)), ['tariff_limit', 1], 'for him, too');
  await sale.run('order_refund', 'o:1', 'r:1', '-', 'free', 'ann', '', '', 0);
  assert.deepEqual(await sale.state('tariff:child'), [0]);
});

test('commands that come together are done in their order, each whole or not at all', async (t) => {
  const { sale } = await crowd(t, 3, { choosers_per_seat: 10 }, 5);
  await sale.hold('g:1', 1, 'a', 0);
  const [code, released, held, again, conflict] = await sale.run('seats_choose',
    'g:1', 1, 'r', 'release', 0, 1, 0, 0, 'g:2', 2, 'h', 'hold', 0, 4, 0, 0, 1000, 1, 1000, 'g:2', 2, 'h', 'hold', 0, 4, 0, 0, 1000, 1, 1000,
    'g:3', 3, 'h', 'hold', 0, 4, 0, 1, 1000, 2, 1000);
  assert.deepEqual([code, released[0], held[0], conflict.slice(0, 3)], ['ok', 'ok', 'ok', ['seat_taken', 0, ['1']]]);
  assert.deepEqual(again, held, 'the same key in one call');
  assert.equal(await sale.redis.get(sale.key.map), '11000');
  assert.deepEqual(await sale.redis.hgetall(sale.key.seats), { 0: 'g:2', 1: 'g:2' });
  assert.deepEqual((await sale.log()).at(-1).body.acts.map((act) => act.slice(0, 3)), [['release', 'g:1', [0, 1000]], ['hold', 'g:2', [0, 1000, 1, 1000]]]);
  assert.deepEqual(await sale.state('free', 'seeking'), [3, 2]);
});
