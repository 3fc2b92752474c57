// SPDX-License-Identifier: Apache-2.0
// Lottery, lanes, and what admission does under a brake or when a clock jumps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sale, startScripts } from '../lib/scripts.mjs';

const people = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `g:${from + i}`);
const soon = () => Date.now() + 3600000;
const laneList = (...lanes) => JSON.stringify(lanes.map(([name, quota = 0]) => ({ name, quota })));
const lanes = laneList(['vip'], ['fan'], ['friend']);
// Joins one person with an invitation: the first lane is served first.
async function invited(sale, person, lane, { id = '-' } = {}) {
  const found = (await sale.run('line_join', '0', 1, person, 1, lane, id))[7];
  return Array.isArray(found) ? found : [found, 'wait', 0, ''];
}
const open = (sale) => sale.redis.hset(sale.key.state, 'opens_at', 1);

test('L4 lottery: who gathers before the opening is put in random order, who comes after it stands behind in order of arrival', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ lottery: 1, opens_at: soon(), policy: 'capacity', capacity: 0 });
  const early = people(1, 200);
  await sale.join(...early);
  await open(sale);
  await sale.tick();
  await sale.join(...people(201, 210));
  const order = await sale.redis.zrange(sale.key.line, 0, -1);
  assert.deepEqual(order.slice(200), people(201, 210));
  assert.deepEqual(order.slice(0, 200).toSorted(), early.toSorted());
  assert.notDeepEqual(order.slice(0, 200), early);
  const moved = order.slice(0, 200).filter((person, i) => Math.abs(early.indexOf(person) - i) > 20).length;
  assert.ok(moved > 120, `only ${moved} of 200 stand far from where they came in`); // evenly random: about 162
});

test('L4 leaving and joining again draws the same lot; another seed, another order', async (t) => {
  const redis = await startScripts(t);
  const one = new Sale(redis, 'one');
  await one.load({ lottery: 1, opens_at: soon() });
  const [[first]] = await one.join('g:1');
  await one.run('line_leave', 'g:1');
  assert.equal((await one.join('g:1'))[0][0], first);
  assert.ok(first < 0);
  await redis.hset(one.key.state, 'seed', 'another');
  await one.run('line_leave', 'g:1');
  assert.notEqual((await one.join('g:1'))[0][0], first);
});

test('L4 nobody is admitted before the opening, and the lots are served in their order', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ lottery: 1, opens_at: soon(), policy: 'capacity', capacity: 10 });
  await sale.join(...people(1, 50));
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 0);
  const order = await sale.redis.zrange(sale.key.line, 0, 9);
  await open(sale);
  await sale.tick();
  assert.deepEqual((await sale.redis.zrange(sale.key.active, 0, -1)).toSorted(), order.toSorted());
  await sale.redis.hset(sale.key.state, 'opens_at', soon()); // opened is opened, even if somebody moves the hour
  await sale.run('line_leave', order[0]);
  assert.equal(await sale.redis.zcard(sale.key.active), 10);
});

test('lanes: the higher one is served first, each in its own order, also when the lower one has been served already', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 2, lanes });
  await sale.join('g:1', 'g:2', 'g:3', 'g:4');
  await sale.tick(); // 1 and 2 are in
  await invited(sale, 'vip:1', 'vip');
  await invited(sale, 'fan:1', 'fan');
  await invited(sale, 'vip:2', 'vip');
  assert.deepEqual(await sale.redis.zrange(sale.key.line, 0, -1), ['vip:1', 'vip:2', 'fan:1', 'g:3', 'g:4']);
  await sale.run('line_leave', 'g:1');
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.stages('vip:1', 'vip:2', 'fan:1', 'g:3'), ['claim', 'claim', 'wait', 'wait']);
});

test('lanes: who gathers for a lottery with an invitation draws among his lane, and all of it stands before the others', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ lottery: 1, opens_at: soon(), policy: 'capacity', capacity: 0, lanes });
  await sale.join(...people(1, 20));
  const fans = Array.from({ length: 20 }, (_, i) => `fan:${i}`);
  for (const fan of fans) await invited(sale, fan, 'friend');
  const order = await sale.redis.zrange(sale.key.line, 0, -1);
  assert.deepEqual(order.slice(0, 20).toSorted(), fans.toSorted());
  assert.notDeepEqual(order.slice(0, 20), fans);
});

test('lanes: a quota bounds how many come in by it, an invitation serves one person, and lifts who waits already', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 0, lanes: laneList(['vip', 2]) });
  await sale.join('g:1', 'g:2');
  assert.equal((await invited(sale, 'g:2', 'vip', { id: 'i:1' }))[1], 'wait');
  assert.deepEqual(await sale.redis.zrange(sale.key.line, 0, -1), ['g:2', 'g:1']);
  assert.equal((await invited(sale, 'g:3', 'vip', { id: 'i:1' }))[1], 'invitation_used');
  assert.equal((await invited(sale, 'g:2', 'vip', { id: 'i:1' }))[1], 'wait', 'again, by the same person');
  assert.equal((await invited(sale, 'g:3', 'vip', { id: 'i:2' }))[1], 'wait');
  assert.equal((await invited(sale, 'g:4', 'vip', { id: 'i:3' }))[1], 'lane_full');
  const [, waiting, front, segments] = await sale.run('line_front');
  assert.equal(waiting, 3);
  assert.equal(front.length, 3);
  assert.equal(segments.reduce((sum, n, i) => (i % 3 === 2 ? sum + n : sum), 0), 3, 'the segments know of everybody');
});

test('lanes: a quota counts people: each once, however often he comes and goes, with an invitation or by his site\'s token', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 0, lanes: laneList(['vip', 2]) });
  for (let i = 0; i < 3; i++) {
    assert.equal((await invited(sale, 'u:1', 'vip'))[1], 'wait');
    await sale.run('line_leave', 'u:1');
  }
  assert.equal((await invited(sale, 'u:1', 'vip', { id: 'i:1' }))[1], 'wait', 'by an invitation as well');
  assert.equal((await invited(sale, 'u:2', 'vip', { id: 'i:2' }))[1], 'wait');
  assert.equal((await invited(sale, 'u:3', 'vip'))[1], 'lane_full');
  assert.equal(await sale.redis.hget(sale.key.lanes, 'n15'), '2');
});

test('O7 lanes are their names: one that somebody has stood in keeps its number, also for a gateway that knows an older list', async (t) => {
  const sale = new Sale(await startScripts(t));
  const [vip, press, fan] = [['vip'], ['press'], ['fan']];
  const change = async (...list) => {
    const answer = await sale.load({ lanes: laneList(...list) });
    if (answer[0] !== 'ok') sale.version--;
    return answer.slice(0, 3);
  };
  await sale.load({ policy: 'capacity', capacity: 0, lanes: laneList(vip, fan) });
  assert.equal((await change(press, fan, vip))[0], 'ok', 'nobody has stood in one');
  assert.equal((await change(vip, fan))[0], 'ok');
  await invited(sale, 'u:1', 'vip');
  await sale.run('line_leave', 'u:1');
  const before = await sale.redis.hgetall(sale.key.state), fixed = ['setting_fixed', 'lanes', 'vip'];
  for (const list of [[press, vip, fan], [fan, vip], [fan], []]) assert.deepEqual(await change(...list), fixed);
  assert.deepEqual((await sale.run('sale_check', 'lanes', laneList(press, vip))), fixed);
  assert.deepEqual(await sale.redis.hgetall(sale.key.state), before, 'nothing is changed');
  assert.equal((await change(vip, press, fan))[0], 'ok', 'behind it they may change');
  assert.equal((await change(['vip', 7], press, fan))[0], 'ok', 'and its quota too');
  assert.equal((await invited(sale, 'u:2', 'fan'))[1], 'wait');
  assert.deepEqual(await sale.redis.hmget(sale.key.lanes, 'n15', 'n14', 'n13'), ['1', null, '1']);
  assert.equal((await invited(sale, 'u:3', 'gone'))[1], 'unavailable', 'a lane that Redis has not heard of');
});

test('O7 the lottery is not begun or given up once people have gathered', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ lottery: 0, opens_at: soon() });
  assert.equal((await sale.load({ lottery: 1 }))[0], 'ok', 'nobody is here yet');
  await sale.join('g:1');
  assert.deepEqual((await sale.load({ lottery: 0 })).slice(0, 2), ['setting_fixed', 'lottery']);
  sale.settings.lottery = 1;
  await open(sale);
  await sale.tick();
  assert.equal((await sale.load({ lottery: 0 }))[0], 'ok', 'after the opening it means nothing');
});

test('L5 the view adds up: departures, admissions, returns, lots and lanes', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ lottery: 1, opens_at: soon(), policy: 'capacity', capacity: 0, grace_ms: 3600000, lanes });
  const add = async (from, to) => {
    for (let i = from; i <= to; i += 500) await sale.join(...people(i, Math.min(i + 499, to)));
  };
  await add(1, 3000);
  await open(sale);
  await sale.tick();
  await add(3001, 9000);
  for (const person of people(1, 40)) await invited(sale, `vip:${person}`, 'vip');
  for (let i = 3; i <= 9000; i += 7) await sale.run('line_leave', `g:${i}`);
  await sale.run('line_drop', ...people(4000, 4010).filter((p) => (Number(p.slice(2)) - 3) % 7));
  await sale.load({ policy: 'rate', rate_count: 2500, rate_ms: 3600000 });
  await sale.tick();
  await sale.tick();
  await sale.tick();
  const [, waiting, front, segments] = await sale.run('line_front');
  assert.equal(waiting, await sale.redis.zcard(sale.key.line));
  const triples = segments.reduce((list, n, i) => (i % 3 ? list.at(-1).push(n) : list.push([n])) && list, []);
  const all = triples.reduce((sum, [, , count]) => sum + count, 0);
  assert.ok(Math.abs(all - waiting) <= 30, `${all} in segments, ${waiting} wait`); // one bucket is cut by the head
  for (const [i, [first, last]] of triples.entries()) {
    assert.ok(first <= last);
    if (i) assert.ok(first > triples[i - 1][1], 'rising, apart from each other');
    const counted = await sale.redis.zcount(sale.key.line, first, last);
    assert.ok(Math.abs(counted - triples[i][2]) <= 30, `${counted} between ${first} and ${last}, said are ${triples[i][2]}`);
  }
  assert.deepEqual(front, (await sale.redis.zrange(sale.key.line, 0, 1023, 'WITHSCORES')).filter((_, i) => i % 2).map(Number));
});

test('A8 the backlog slows admission down before it stops it, and what gateways report does too, for as long as they do', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 100, backlog_max: 100 });
  await sale.join(...people(1, 500));
  assert.deepEqual((await sale.tick(30, 'payment_errors')).slice(15, 17), [30, 'payment_errors']);
  assert.equal(await sale.redis.zcard(sale.key.active), 30);
  assert.deepEqual((await sale.tick()).slice(15, 17), [30, 'payment_errors'], 'another gateway sees nothing wrong');
  await sale.redis.hset(sale.key.state, 'brake_until', 1);
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 100, 'nobody repeats it');
  await sale.redis.hset(sale.key.state, 'committed', (await sale.state('seq'))[0] - 70);
  assert.deepEqual((await sale.tick()).slice(15, 17), [40, 'backlog']); // (100 - 70) / (100 - 25)
  await sale.redis.hset(sale.key.state, 'committed', (await sale.state('seq'))[0] - 100);
  await sale.run('line_leave', 'g:1');
  assert.equal(await sale.redis.zcard(sale.key.active), 99);
  await sale.load({}, { status: 'through' });
  await sale.redis.hset(sale.key.state, 'committed', (await sale.state('seq'))[0] - 100);
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 99, 'not even where everyone is let through');
});

test('A8 what a gateway reports counts when its tick always comes just after the one of another', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 100 });
  await sale.redis.hdel(sale.key.state, 'ticked');
  const both = await sale.redis.multi().line_tick(...sale.keys, 100, '').line_tick(...sale.keys, 30, 'payment_errors').exec();
  assert.deepEqual(both[1][1].slice(15, 17), [30, 'payment_errors']);
});

test('A8 what somebody asks for holds until its time is over or the next wish, and every wish is in the ledger', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 100 });
  await sale.join(...people(1, 300));
  assert.deepEqual(await sale.run('line_brake', 0, 600000, 'shop_is_down'), ['ok', 0, 'shop_is_down']);
  assert.deepEqual(await sale.run('line_brake', 40, 600000, 'shop_is_slow'), ['ok', 40, 'shop_is_slow']);
  assert.equal(await sale.redis.zcard(sale.key.active), 40, 'those whom the wish leaves are let in at once');
  await sale.run('line_brake', 40, 600000, 'shop_is_slow');
  assert.deepEqual((await sale.tick(30, 'redis_errors')).slice(15, 17), [30, 'redis_errors'], 'the strongest reason counts');
  await sale.redis.hset(sale.key.state, 'brake_until', 1, 'asked_until', 1);
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 100, 'its time is over');
  await sale.run('line_brake', 50, 600000, 'shop_is_slow');
  assert.deepEqual(await sale.run('line_brake', 50, 0, 'shop_is_slow'), ['ok', 100, '']);
  const told = (await sale.log()).filter(({ kind }) => kind === 'brake').map(({ body }) => body.percent);
  assert.deepEqual(told, [0, 40, 40, 50, 100]);
});

test('A7 draining takes nobody new, through lets everyone in, away keeps the places', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 1 });
  await sale.join('g:1', 'g:2', 'g:3');
  await sale.tick();
  await sale.load({}, { status: 'draining' });
  assert.equal((await sale.join('g:4'))[0][1], 'draining');
  await sale.run('line_leave', 'g:1');
  assert.deepEqual(await sale.stages('g:2', 'g:3'), ['claim', 'wait'], 'the line moves on');
  await sale.load({}, { status: 'away' });
  assert.equal((await sale.join('g:5'))[0][1], 'away');
  assert.equal((await sale.join('g:3'))[0][1], 'wait', 'his place is kept');
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.stages('g:3'), ['wait']);
  await sale.load({}, { status: 'through' });
  await sale.join(...people(10, 40));
  await sale.tick();
  assert.equal(await sale.redis.zcard(sale.key.active), 32, 'whatever the capacity');
  const small = new Sale(sale.redis, 'small');
  await small.load({}, { status: 'through', total: 5 });
  await small.join(...people(1, 20));
  await small.tick();
  assert.equal(await small.redis.zcard(small.key.active), 5, 'only the stock bounds it');
});

test('the clock jumps: no deadline runs out, no place is lost, nobody is admitted twice', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 2, claim_ms: 60000, grace_ms: 60000 });
  await sale.join(...people(1, 4));
  await sale.tick();
  await sale.stages('g:1', 'g:2');
  await sale.run('line_drop', 'g:3');
  for (const hours of [1, -2, 1]) { // as Redis' clock would show it, against what the sale remembers
    await sale.redis.hincrby(sale.key.state, 'clock', -hours * 3600000);
    await sale.redis.hincrby(sale.key.state, 'skew', 0);
    const shift = 'for _, key in ipairs({KEYS[1], KEYS[2]}) do for _, p in ipairs(redis.call("ZRANGE", key, 0, -1)) do redis.call("ZINCRBY", key, ARGV[1], p) end end';
    await sale.redis.eval(shift, 2, sale.key.active, sale.key.absent, -hours * 3600000);
    await sale.tick();
    assert.deepEqual(await sale.stages(...people(1, 4)), ['claim', 'claim', 'wait', 'wait'], `after ${hours} h`);
  }
  assert.equal((await sale.state('admitted'))[0], 2);
});

test('L6 an admission that no gateway told anyone is taken back, and the place is kept', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ policy: 'capacity', capacity: 1 });
  await sale.join('g:1', 'g:2');
  await sale.tick(); // g:1 is in, but his gateway died: nobody asks
  await sale.redis.zadd(sale.key.active, 1, 'g:1');
  await sale.tick();
  assert.deepEqual(await sale.stages('g:1', 'g:2'), ['away', 'claim']);
  assert.deepEqual(await sale.state('seeking'), [1]);
  assert.deepEqual((await sale.join('g:1'))[0].slice(0, 2), [1, 'wait']);
  await sale.run('line_leave', 'g:2');
  assert.deepEqual(await sale.stages('g:1'), ['claim']);
});

test('joining too early is told so', async (t) => {
  const sale = new Sale(await startScripts(t));
  await sale.load({ gathers_at: soon(), opens_at: soon() });
  assert.equal((await sale.join('g:1'))[0][1], 'too_early');
  assert.equal(await sale.redis.zcard(sale.key.line), 0);
});
