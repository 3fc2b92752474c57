// SPDX-License-Identifier: Apache-2.0
// Redis loses a sale, wholly or its end: it is restored from the ledger (rule P2), and what Redis has can be compared with the ledger at any time (P5).
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { arrive, newKey, Person } from '../lib/person.mjs';
import { createSale, startBoxoffice, until } from '../lib/servers.mjs';

const scribes = (world) => execSync(`pgrep -P ${world.child.pid} -f ' scribe' || true`).toString().trim().split('\n').filter(Boolean).map(Number);
const state = async (world, field) => Number(await world.redis.client.hget('bo:{hall}:state', field));
const position = async (world) => Number((await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0]?.seq ?? 0);
const caughtUp = (world) => until('the log is written', async () => (await position(world)) === (await state(world, 'seq')));
const epoch = (world) => world.redis.client.hget('bo:{hall}:state', 'epoch');
const restored = (world, before) => until('it is restored', async () => {
  const now = await epoch(world);
  return now && now !== before;
});
const ready = (world) => until('every gateway knows', async () => (await Promise.all(Array.from({ length: 10 }, () => world.counts()))).every((c) => c.ready));

// Also what Redis is about to give them does not reach them.
async function standStill(world) {
  for (const pid of scribes(world)) process.kill(pid, 'SIGSTOP');
  const readers = (await world.redis.client.client('LIST')).split('\n').filter((line) => / cmd=xread/.test(line));
  for (const line of readers) await world.redis.client.client('KILL', 'ID', line.match(/^id=(\d+)/)[1]);
}

async function inside(world) {
  const person = await arrive(world);
  await person.enter();
  return person;
}

async function lose(world) {
  const before = await epoch(world);
  await caughtUp(world);
  await world.redis.client.flushall();
  await restored(world, before);
}

test('P2 after a total loss of Redis everybody stands, holds, pays and owns what he did', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 6, limit: 4, tariffs: [{ name: 'child', percent: 50, total: 3 }] } });
  const api = (what, body) => world.admin('POST', `/api/sales/hall/${what}`, body);
  await api('stock', { item: 'Standing', kind: 'area', total: 5, price: 2500 });
  await api('stock', { item: 'coupon', kind: 'coupon', total: 2, limit: 1 });
  await api('block', { seats: ['S-90'] });
  const people = await Promise.all(Array.from({ length: 6 }, () => inside(world)));
  const [buyer, holder, payer, chooser, granted, leaver] = people;
  const queue = [];
  for (let i = 0; i < 5; i++) queue.push(await arrive(world));
  await until('the stock is known', async () => (await chooser.ask({ type: 'take', key: newKey(), item: 'Standing', count: 1 }, 'held', 'error')).type === 'held');
  await buyer.hold('S-1', 'S-2');
  await buyer.settle(await buyer.checkout());
  const { tickets } = await buyer.next('bought'); // queue[0] comes in
  await queue[0].enter();
  await holder.ask({ type: 'hold', key: newKey(), seats: ['S-3', { seat: 'S-4', tariff: 'child' }] }, 'held', 'error', 'refused');
  await payer.hold('S-5');
  const pay = await payer.checkout();
  await granted.ask({ type: 'take', key: 'coupon-1', item: 'coupon', count: 1 }, 'granted');
  leaver.send({ type: 'leave' }); // queue[1] comes in, and has not entered
  await queue[1].next('admitted');
  await api('refund', { order: (await world.postgres.query('SELECT order_id FROM tickets LIMIT 1'))[0].order_id, refund: 'r-1', seats: ['S-2'] });
  await caughtUp(world);
  world.reconcile();
  const before = { counts: await world.counts(), used: await state(world, 'tariff:child') };
  await lose(world);
  await ready(world);
  world.reconcile();
  const { free, sold, active, waiting } = before.counts;
  await world.countsBecome({ free, sold, active, waiting });
  assert.equal(await state(world, 'tariff:child'), 1);
  assert.deepEqual((await holder.next('entered')).seats, ['S-3', 'S-4'], 'he is told what he holds');
  assert.equal((await holder.hold('S-1')).code, 'seat_taken');
  assert.equal((await holder.hold('S-90')).code, 'seat_taken');
  assert.equal((await holder.hold('S-6', 'S-7', 'S-8')).code, 'limit_reached');
  assert.equal((await holder.checkout()).amount, 7500);
  await payer.settle(pay);
  assert.equal((await payer.next('bought', 'order_failed')).type, 'bought');
  assert.equal((await granted.ask({ type: 'take', key: newKey(), item: 'coupon', count: 1 }, 'refused', 'granted')).code, 'limit_reached');
  assert.equal((await chooser.ask({ type: 'take', key: newKey(), item: 'Standing', count: 1 }, 'held')).seats.at(-1), 'Standing-2', 'numbers go on');
  assert.equal((await queue[1].next('admitted')).stage, 'claim', 'he has his time again');
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets[0].code })).status, 200);
  await queue[2].next('admitted'); // for the payer
  granted.send({ type: 'leave' });
  await queue[3].next('admitted');
  assert.equal((await world.postgres.query("SELECT count(*)::int AS n FROM audit WHERE action = 'rebuild'"))[0].n, 1);
});

test('O2 a command that is sent again after a loss of Redis is not done twice', async (t) => {
  const world = await startBoxoffice(t, { settings: { limit: 6 } });
  await world.admin('POST', '/api/sales/hall/stock', { item: 'Standing', kind: 'area', total: 9, price: 2500 });
  const person = await inside(world);
  const ask = async (message) => (await person.ask(message, 'held', 'released', 'refused', 'error'));
  const commands = [{ type: 'hold', key: 'first', seats: ['S-1', 'S-2'] }, { type: 'take', key: 'second', item: 'Standing', count: 2 }, { type: 'release', key: 'third', seats: ['S-2'] }];
  await until('the area is known', async () => (await ask({ ...commands[1], key: 'probe', count: 9 })).code !== 'unknown_item');
  const answers = [];
  for (const command of commands) answers.push((await ask(command)).type);
  assert.deepEqual(answers, ['held', 'held', 'released']);
  const held = await state(world, 'free');
  await lose(world);
  await ready(world);
  const mine = ['S-1', 'Standing-1', 'Standing-2'];
  assert.deepEqual((await person.next('entered')).seats, mine);
  for (const [i, command] of commands.entries()) {
    const again = await ask(command);
    assert.deepEqual([again.type, again.seats], [answers[i], mine], `${command.key}: as before, and nothing more`);
  }
  assert.equal(await state(world, 'free'), held);
});

test('P2 L6 places told but not yet in PostgreSQL when Redis was lost are taken up again by who is connected, in their order', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 } });
  const first = await inside(world), early = await arrive(world);
  await caughtUp(world);
  const before = await epoch(world);
  for (const pid of scribes(world)) process.kill(pid, 'SIGSTOP');
  const late = [await arrive(world), await arrive(world), await arrive(world)];
  await world.redis.client.flushall();
  for (const pid of scribes(world)) process.kill(pid, 'SIGCONT');
  await restored(world, before);
  await until('they stand in line', async () => (await world.redis.client.zcard('bo:{hall}:line')) === 4);
  const line = await world.redis.client.zrange('bo:{hall}:line', 0, -1, 'WITHSCORES');
  assert.deepEqual(line, [early, ...late].flatMap((p) => [p.person, String(p.number)]));
  const newest = await arrive(world);
  assert.ok(newest.number > late[2].number, 'numbers are not given twice');
  first.send({ type: 'leave' });
  for (const person of [early, ...late]) {
    await person.next('admitted');
    person.send({ type: 'leave' });
  }
});

test('O1 O3 an order that was lost with Redis and paid is refunded, and nobody is told that he bought', async (t) => {
  const world = await startBoxoffice(t, { reconcile: true });
  const person = await inside(world);
  await person.hold('S-1');
  await caughtUp(world);
  const before = await epoch(world);
  await standStill(world);
  const pay = await person.checkout();
  const settled = person.settle(pay).catch(() => {});
  await until('it is paid', async () => (await world.redis.client.hget('bo:{hall}:state', 'sold')) === '1');
  await world.redis.client.flushall();
  for (const pid of scribes(world)) process.kill(pid, 'SIGCONT');
  await restored(world, before);
  await settled;
  assert.deepEqual((await person.next('order_failed', 'bought')).reason, 'lost');
  await until('the money is given back', async () => (await world.postgres.query('SELECT count(*)::int AS n FROM refunds'))[0].n === 1);
  assert.equal((await world.postgres.query('SELECT count(*)::int AS n FROM tickets'))[0].n, 0);
});

test('P2 a Redis that comes back with older data is noticed before anything is decided with it', async (t) => {
  const world = await startBoxoffice(t);
  const early = await inside(world);
  await early.hold('S-1');
  const copy = path.join(world.folder, 'older');
  await caughtUp(world);
  fs.cpSync(path.join(world.folder, 'appendonlydir'), copy, { recursive: true });
  const buyer = await new Person(world).connect();
  assert.equal((await buyer.buy('S-2')).type, 'bought');
  await caughtUp(world);
  const before = await epoch(world);
  await world.redis.stop('SIGKILL');
  fs.rmSync(path.join(world.folder, 'appendonlydir'), { recursive: true });
  fs.cpSync(copy, path.join(world.folder, 'appendonlydir'), { recursive: true });
  await world.redis.start();
  const answers = [];
  await until('it is restored', async () => {
    answers.push(await early.hold('S-2'));
    const now = await epoch(world);
    return now && now !== before;
  });
  await ready(world);
  assert.ok(answers.every(({ type }) => type !== 'held'), 'S-2 was sold');
  assert.equal((await early.hold('S-2')).code, 'seat_taken');
  assert.equal((await early.hold('S-3')).type, 'held');
});

test('P2 boxoffice rebuild throws away what Redis has and restores it, with the server running and without', async (t) => {
  const world = await startBoxoffice(t);
  const person = await inside(world);
  await person.hold('S-1');
  const before = await epoch(world);
  const { status, stdout } = world.run('rebuild', 'hall');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /hall was restored from the ledger in \d+ ms/);
  assert.notEqual(await epoch(world), before);
  await ready(world);
  assert.equal((await person.hold('S-2')).type, 'held');
  await world.stop();
  await world.redis.client.flushall();
  assert.equal(world.run('rebuild', 'hall').status, 0);
  assert.equal(await world.redis.client.hlen('bo:{hall}:seats'), 2);
  assert.equal(world.run('rebuild', 'none').status, 1);
  assert.equal(world.run('rebuild').status, 2);
});

test('P5 reconcile finds every difference and repairs it from the log, while people go on', async (t) => {
  const world = await startBoxoffice(t);
  const [holder, buyer, waiting] = [await inside(world), await new Person(world).connect(), await arrive(world)];
  await holder.hold('S-1');
  await buyer.buy('S-2');
  await caughtUp(world);
  const redis = world.redis.client, key = (name) => `bo:{hall}:${name}`;
  await redis.hdel(key('seats'), '0');
  await redis.setrange(key('map'), 1, '0');
  await redis.hset(key('seats'), '7', 'somebody');
  await redis.hincrby(key('state'), 'free', 5);
  await redis.hdel(key('people'), buyer.person);
  await redis.zrem(key('active'), waiting.person);
  await world.postgres.query('DELETE FROM tickets');
  await world.postgres.query("UPDATE orders SET status = 'declined'");
  let busy = true;
  const others = (async () => {
    while (busy) {
      const person = await inside(world);
      await person.hold(`S-${50 + Math.floor(Math.random() * 50)}`);
      await person.close();
    }
  })();
  const found = world.run('reconcile');
  assert.equal(found.status, 1, found.stdout + found.stderr);
  for (const what of ['seats 0', 'seats 7', 'map 1', 'state free', `people ${buyer.person}`, `people ${waiting.person}`, 'tickets table 1', 'orders table'])
    assert.match(found.stdout, new RegExp(`^hall: ${what.replace(/[.]/g, '\\.')}`, 'm'));
  assert.match(found.stdout, /^hall: 8 differences up to record \d+, 0 repaired$/m);
  const mended = world.run('reconcile', '--repair', '--sale', 'hall');
  assert.equal(mended.status, 0, mended.stdout + mended.stderr);
  busy = false;
  await others;
  world.reconcile();
  assert.equal((await holder.checkout()).amount, 5000);
  const [{ differences }] = await world.postgres.query("SELECT differences::int FROM reconciled WHERE sale = 'hall'");
  assert.equal(differences, 0);
  assert.equal(world.run('reconcile', '--sale', 'none').status, 3);
});

test('P3 what was put aside is written by replay once the reason is gone', async (t) => {
  const world = await startBoxoffice(t);
  await world.postgres.query("ALTER TABLE orders ADD CONSTRAINT trouble CHECK (amount <> 3000)");
  const person = await inside(world);
  await person.hold('S-90');
  await person.settle(await person.checkout());
  await until('they are put aside', async () => (await world.postgres.query('SELECT count(*)::int AS n FROM dead_letters'))[0].n === 2);
  assert.equal(world.run('replay').status, 1, 'the reason is still there');
  await until('it is counted', async () => /boxoffice_dead_letters_waiting 2/.test((await world.admin('GET', '/metrics')).text));
  await world.postgres.query('ALTER TABLE orders DROP CONSTRAINT trouble');
  const { status, stdout } = world.run('replay', '--sale', 'hall');
  assert.equal(status, 0);
  assert.match(stdout, /\(checkout\): written\n.*\(paid\): written/);
  const back = await arrive(world, { resume: person.resume });
  assert.equal((await back.next('bought')).tickets[0].seat, 'S-90');
  await until('none is left', async () => /boxoffice_dead_letters_waiting 0/.test((await world.admin('GET', '/metrics')).text));
});

test('P1 several scribes divide the sales among them, and one that dies or stands still is taken over', async (t) => {
  const world = await startBoxoffice(t, { config: { scribes: 2 } });
  for (const id of ['b', 'c', 'd']) await createSale(world, id);
  const carried = async () => (await world.postgres.query("SELECT pid, count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' GROUP BY pid ORDER BY n")).map(({ n }) => n);
  await until('each carries two', async () => JSON.stringify(await carried()) === '[2,2]');
  const stopped = scribes(world)[0];
  process.kill(stopped, 'SIGSTOP');
  await until('the other carries all', async () => JSON.stringify(await carried()) === '[4]');
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
  process.kill(stopped, 'SIGCONT');
  await until('they share again', async () => JSON.stringify(await carried()) === '[2,2]');
  process.kill(scribes(world)[1], 'SIGKILL');
  assert.equal((await (await new Person(world).connect()).buy('S-2')).type, 'bought');
});

test('P7 what a gateway of version 0.1.0 decides while it is replaced is written', async (t) => {
  const world = await startBoxoffice(t, { reconcile: false });
  await arrive(world);
  await caughtUp(world);
  const seq = await world.redis.client.eval(`local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('XADD', KEYS[2], seq .. '-0', 'kind', 'opened', 'at', '1', 'body', '{}')
    return seq`, 2, 'bo:{hall}:state', 'bo:{hall}:log');
  await arrive(world);
  await caughtUp(world);
  const rows = await world.postgres.query("SELECT epoch FROM ledger WHERE sale = 'hall' AND seq >= $1 ORDER BY seq", [seq]);
  assert.ok(rows.length > 1);
  for (const row of rows) assert.equal(row.epoch, await epoch(world), 'of the epoch in which this redis decides');
});

test('P7 what version 0.1.0 has left goes on in a later epoch, even where the clock of its Redis was ahead', async (t) => {
  const world = await startBoxoffice(t);
  const waiting = await inside(world);
  await waiting.hold('S-1');
  await caughtUp(world);
  await world.stop();
  const old = Date.now() + 3600000, key = (name) => `bo:{hall}:${name}`;
  await world.redis.client.hset(key('state'), 'epoch', old);
  await world.redis.client.hdel(key('state'), 'server', 'trims', 'aside', 'quiet_until');
  const seq = await state(world, 'seq');
  await world.redis.client.del(key('log'));
  await world.redis.client.hset(key('state'), 'seq', seq + 1);
  await world.redis.client.xadd(key('log'), `${seq + 1}-0`, 'kind', 'opened', 'at', String(Date.now()), 'body', '{}'); // not written yet
  await world.postgres.query("UPDATE log_position SET epoch = 0, written = 0, server = ''; DELETE FROM epochs");
  world.startAgain();
  await world.healthy();
  await until('another epoch has begun', async () => (await state(world, 'epoch')) > old);
  assert.equal((await (await new Person(world).connect()).buy('S-2')).type, 'bought');
  await caughtUp(world);
  const epochs = (await world.postgres.query('SELECT DISTINCT epoch::float, seq > $1 AS later FROM ledger WHERE seq > $1', [seq])).map((row) => row.epoch).sort((a, b) => a - b);
  assert.equal(epochs[0], 0, 'its records are of epoch 0');
  assert.ok(epochs.at(-1) > old);
  const back = await arrive(world, { resume: waiting.resume });
  assert.equal(back.person, waiting.person);
});
