// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPeople, checkRate } from '../lib/checker.mjs';
import { Sale, startScripts } from '../lib/scripts.mjs';
import { until } from '../lib/servers.mjs';

const people = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `g:${from + i}`);

test('L2 numbers are handed out in order of arrival, by a counter', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({}, { status: 'draft' });
  assert.deepEqual((await sale.join(...people(1, 3))).map(([number]) => number), [1, 2, 3]);
  assert.deepEqual((await sale.join('g:9', 'g:4')).map(([number]) => number), [4, 5]);
});

test('L3 sales do not touch each other', async (t) => {
  const redis = await startScripts(t);
  const [a, b] = [new Sale(redis, 'a'), new Sale(redis, 'b')];
  await a.load({}, { status: 'draft' });
  await b.load();
  await a.join('g:1');
  assert.equal((await b.join('g:1'))[0][0], 1);
  await b.tick();
  assert.deepEqual(await a.stages('g:1'), ['wait']);
  assert.deepEqual(await b.stages('g:1'), ['claim']);
});

test('L6 coming back finds the same place; L7 one person has one place', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({}, { status: 'draft' });
  await sale.join(...people(1, 5));
  assert.deepEqual((await sale.join('g:3', 'g:6', 'g:3')).map(([number]) => number), [3, 6, 3]);
  await sale.run('line_drop', 'g:3');
  assert.equal((await sale.join('g:3'))[0][0], 3);
  assert.equal(await sale.redis.zcard(sale.key.absent), 0);
});

test('L6 who is away when his turn comes is stepped over, holds up nobody, and is next when he returns', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 1 }, { status: 'paused' });
  await sale.join(...people(1, 4));
  await sale.run('line_drop', 'g:1');
  await sale.load({}, { status: 'open' });
  await sale.tick();
  assert.deepEqual(await sale.stages(...people(1, 4)), ['away', 'wait', 'wait', 'wait']);
  await sale.tick();
  assert.deepEqual(await sale.stages(...people(1, 3)), ['away', 'claim', 'wait']);
  assert.deepEqual((await sale.join('g:1'))[0].slice(0, 2), [1, 'wait']);
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.stages(...people(1, 3)), ['claim', 'out', 'wait']);
});

test('L6 when the grace is over the place is gone; leaving on purpose frees it at once', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ grace_ms: 1 }, { status: 'draft' });
  await sale.join(...people(1, 3));
  await sale.run('line_drop', 'g:1');
  await until('the grace is over', async () => {
    await sale.tick();
    return (await sale.stages('g:1'))[0] === 'out';
  });
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.stages('g:2', 'g:3'), ['out', 'wait']);
  assert.deepEqual(await sale.run('line_leave', 'g:2'), ['not_in_line']);
  assert.equal((await sale.join('g:1'))[0][0], 4, 'a new place at the end');
  const [, waiting, front, segments, last] = await sale.run('line_front');
  assert.deepEqual([waiting, front, segments, last], [2, [3, 4], [1, 4, 2], 4]);
});

test('A1 nobody is lost or in two places, whatever happens at once', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ rate_count: 100000, capacity: 40 });
  const joined = people(1, 300);
  await Promise.all([...joined.map((p) => sale.join(p)), ...Array.from({ length: 50 }, () => sale.tick()),
    ...joined.filter((_, i) => i % 7 === 0).map((p) => sale.run('line_leave', p))]);
  const stages = await sale.stages(...joined);
  const waiting = await sale.redis.zrange(sale.key.line, 0, -1);
  const active = await sale.redis.zrange(sale.key.active, 0, -1);
  const out = joined.filter((_, i) => stages[i] === 'out');
  assert.deepEqual(checkPeople({ joined, waiting, active, out }), []);
  assert.ok(active.length <= 40);
});

test('A2 A4 many servers ticking together never admit more than the rate, in any interval', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'rate', rate_count: 10, rate_ms: 150 });
  await sale.join(...people(1, 60));
  const log = async () => (await sale.redis.xrange(sale.key.log, '-', '+')).filter(([, f]) => f[1] === 'admit')
    .map(([, f]) => ({ at: Number(f[3]), count: JSON.parse(f[5]).people.length / 2 }));
  await until('all admitted', async () => {
    await Promise.all(Array.from({ length: 8 }, () => sale.tick()));
    return (await sale.state('admitted'))[0] === 60;
  });
  assert.deepEqual(checkRate({ admissions: await log(), count: 10, ms: 150 }), []);
});

test('A2 what the rate allows is used: whoever admitted comes back when it allows more, and that tick counts', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'rate', rate_count: 10, rate_ms: 1000 });
  await sale.join(...people(1, 40));
  const wait = (await sale.tick())[2];
  assert.ok(wait > 0 && wait <= 1000, `${wait}`);
  assert.equal((await sale.tick())[2], -1, 'another one need not');
  const tickAgain = async (due) => {
    await sale.redis.hdel(sale.key.state, 'window');
    await sale.redis.hset(sale.key.state, 'due', due, 'ticked', (await sale.run('line_tick', 100, ''))[1]);
    await sale.run('line_tick', 100, '');
    return (await sale.state('admitted'))[0];
  };
  assert.equal(await tickAgain(0), 10, 'so soon after another tick it does nothing');
  assert.equal(await tickAgain(1), 20, 'but at that time it does');
});

test('A2 A4 never more inside than the capacity; A3 a freed place is refilled by the event itself', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 5 });
  await sale.join(...people(1, 20));
  await Promise.all(Array.from({ length: 10 }, () => sale.tick()));
  assert.equal(await sale.redis.zcard(sale.key.active), 5);
  await sale.run('line_leave', 'g:2'); // no tick after this
  assert.deepEqual(await sale.stages('g:2', 'g:6', 'g:7'), ['out', 'claim', 'wait']);
});

test('A2 nobody is let in to find nothing: whoever is inside and holds nothing yet will take one of the free seats', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 100 }, { total: 6 });
  await sale.join(...people(1, 30));
  const inside = () => sale.redis.zcard(sale.key.active);
  for (let i = 0; i < 3; i++) await sale.tick();
  assert.equal(await inside(), 6);
  assert.equal((await sale.tick()).at(17), 0, 'the gateways know, and estimate nothing');
  for (let i = 1; i <= 6; i++) await sale.run('line_enter', `g:${i}`, i);
  await sale.hold('g:1', 1, 'k', 0, 1, 2);
  await sale.tick();
  assert.equal(await inside(), 6, 'five look for the three that are left');
  await sale.run('line_leave', 'g:2');
  await sale.run('line_leave', 'g:3');
  assert.equal(await inside(), 4);
  await sale.run('line_leave', 'g:4');
  assert.deepEqual([await inside(), ...(await sale.stages('g:7', 'g:8'))], [4, 'claim', 'wait'], 'two of them: one more may look');
  await sale.release('g:1', 1, 'r', 0, 1, 2); // no tick after this
  assert.deepEqual([await inside(), ...(await sale.stages('g:8', 'g:9'))], [6, 'claim', 'claim']);
  await sale.run('line_leave', 'g:1');
  assert.equal(await inside(), 6);
  await sale.load({ choosers_per_seat: 3 });
  await sale.tick();
  assert.equal(await inside(), 18, 'three may look for each');
});

test('A2 who looks for a seat is counted right, whatever happens to him', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 12 }, { total: 200 });
  const count = "local n = 0 for _, person in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do if #cmsgpack.unpack(redis.call('HGET', KEYS[2], person)).h == 0 then n = n + 1 end end return n";
  let draw = 7;
  const pick = (n) => ((draw = (Math.imul(draw, 1103515245) + 12345) & 0x7fffffff) >> 16) % n; // the same every time
  await sale.join(...people(1, 400));
  for (let step = 0; step < 1500; step++) {
    await sale.tick();
    const active = await sale.redis.zrange(sale.key.active, 0, -1);
    if (!active.length) break;
    const person = active[pick(active.length)], number = Number(person.slice(2)), seat = pick(200);
    await sale.run('line_find', person);
    const hold = () => sale.hold(person, number, `k${step}`, ...[seat, (seat + 1) % 200].slice(pick(2))), enter = () => sale.run('line_enter', person, number);
    const pay = () => sale.run('order_pay', `o:${person}`, `p${step}`, pick(3) ? 'paid' : 'declined', 1000 * (1 + pick(2)), 'EUR');
    await [enter, enter, hold, hold, () => sale.release(person, number, `k${step}`, seat), () => sale.run('order_checkout', person, number, `o:${person}`),
      pay, pay, pay, () => pick(8) || sale.run('line_leave', person), () => pick(8) || sale.expire(person)][pick(11)]();
    assert.equal((await sale.state('seeking'))[0], await sale.redis.eval(count, 2, sale.key.active, sale.key.people), `after step ${step}`);
  }
  assert.ok((await sale.state('sold'))[0] > 10);
});

test('A2 the policy changes while people wait, and an old change does nothing', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 1 });
  await sale.join(...people(1, 10));
  await sale.tick();
  await sale.load({ capacity: 4 });
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 4);
  sale.version = 1;
  await sale.load({ capacity: 10 });
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 4);
});

test('A6 an admission that is not taken up, a choice and a payment that take too long: everything is free and the next one is in', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 1 });
  await sale.join(...people(1, 4));
  await sale.tick();
  assert.deepEqual(await sale.stages('g:1'), ['claim']); // told by a gateway
  await sale.expire('g:1');
  assert.deepEqual(await sale.run('line_enter', 'g:1', 1), ['admission_expired']);
  await sale.tick();
  assert.deepEqual(await sale.stages('g:1', 'g:2'), ['out', 'claim']);
  await sale.run('line_enter', 'g:2', 2);
  await sale.hold('g:2', 2, 'k', 5, 6);
  await sale.expire('g:2');
  assert.equal((await sale.hold('g:2', 2, 'k2', 7))[0], 'admission_expired');
  await sale.tick();
  assert.deepEqual(await sale.stages('g:2', 'g:3'), ['out', 'claim']);
  assert.deepEqual(await sale.state('free'), [100]);
  assert.equal(await sale.redis.hlen(sale.key.seats), 0);
  await sale.run('line_enter', 'g:3', 3);
  await sale.hold('g:3', 3, 'k', 5);
  await sale.run('order_checkout', 'g:3', 3, 'o:1');
  await sale.expire('g:3');
  await sale.tick();
  assert.deepEqual(await sale.stages('g:3', 'g:4'), ['out', 'claim']);
  assert.equal((await sale.run('order_read', 'o:1'))[1], 'expired');
  assert.equal((await sale.redis.get(sale.key.map)).includes('1'), false);
});

test('A5 a number from before, or of somebody else, gets nowhere', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load();
  const number = await sale.inside('g:1');
  assert.deepEqual(await sale.run('line_enter', 'g:1', number + 1), ['not_admitted']);
  assert.deepEqual(await sale.run('line_enter', 'g:2', number), ['not_admitted']);
  assert.deepEqual((await sale.hold('g:1', number + 1, 'k', 1))[0], 'not_admitted');
});

test('A8 nobody is admitted while the log is too far behind', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ backlog_max: 3 });
  await sale.join('g:1');
  await sale.join('g:2');
  await sale.join('g:3');
  await sale.tick();
  assert.deepEqual(await sale.stages('g:1'), ['wait']);
  await sale.commit();
  await sale.tick();
  assert.deepEqual(await sale.stages('g:1'), ['claim']);
});

test('P1 the log has no gap, and what is committed stays in it for some minutes', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ rate_count: 5 });
  for (const p of people(1, 30)) await sale.join(p);
  await sale.tick();
  const log = await sale.log();
  assert.deepEqual(log.map(({ seq }) => seq), log.map((_, i) => i + 1));
  await sale.commit(10);
  assert.equal((await sale.log())[0].seq, 1, 'a PostgreSQL that has lost its last commits finds them again');
  await sale.commit(5);
  assert.deepEqual(await sale.state('committed'), [10]);
  const later = (ms) => sale.redis.eval(`local marks = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'trims'))
    for i = 3, #marks, 2 do marks[i] = marks[i] - ARGV[1] end
    redis.call('HSET', KEYS[1], 'trims', cmsgpack.pack(marks))`, 1, sale.key.state, ms);
  await later(6000);
  await sale.commit(20);
  await later(179000);
  await sale.commit(25);
  assert.equal((await sale.log())[0].seq, 11);
  await sale.redis.config('SET', 'maxmemory', '1');
  assert.deepEqual(await sale.commit(26), ['ok']);
  await sale.redis.config('SET', 'maxmemory', '0');
  assert.equal((await sale.log())[0].seq, 27, 'all of it where Redis has no memory left');
});

test('a sale that Redis has forgotten is not begun anew while PostgreSQL knows its log', async (t) => {
  const sale = new Sale(await startScripts(t));
  assert.equal((await sale.load({}, { committed: 5 }))[0], 'redis_lost_sale');
  assert.equal(await sale.redis.exists(sale.key.state), 0);
});

test('the more gateways hear the feed, the more company a message waits for', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 1 });
  const apart = async () => {
    await sale.redis.hset(sale.key.state, 'flushed', 0);
    await sale.tick();
    return Number((await sale.state('company'))[0]);
  };
  await sale.join(...Array.from({ length: 3 }, (_, i) => `g:${i}`));
  await sale.redis.hset(sale.key.state, 'viewed', 0);
  assert.equal(await apart(), 20);
  const gateways = Array.from({ length: 25 }, () => sale.redis.duplicate());
  t.after(() => gateways.forEach((gateway) => gateway.disconnect()));
  for (const gateway of gateways) await gateway.subscribe(sale.key.feed);
  await sale.redis.hset(sale.key.state, 'viewed', 0);
  assert.equal(await apart(), 25);
});
