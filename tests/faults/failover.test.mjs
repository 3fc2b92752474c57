// SPDX-License-Identifier: Apache-2.0
// A replica of Redis is promoted that has not got the last decisions (rule P7), while people join, pay and take: whatever is told as kept stays true, and everyone
// hears where he stands.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { childrenOf } from '../lib/parts.mjs';
import { arrive, newKey, Person } from '../lib/person.mjs';
import { atEnd, startBoxoffice, startRedis, temporaryFolder, until } from '../lib/servers.mjs';
import { pause, report, storm } from '../lib/storm.mjs';
import { startWire } from '../lib/wire.mjs';

const SEQ = ['bo:{hall}:state', 'seq'];

// Gateways and scribes find Redis through a piece of network that can lead elsewhere; the replica follows through another one.
async function prepare(t) {
  const replica = await startRedis(t, temporaryFolder(t)), parts = { replica };
  parts.rewire = async (config, { redis, folder }) => {
    Object.assign(parts, { primary: redis, folder, wire: await startWire(t, redis.socket), link: await startWire(t, redis.socket) });
    config.redis = `127.0.0.1:${parts.wire.port}`;
    await replica.client.call('REPLICAOF', '127.0.0.1', parts.link.port);
  };
  parts.seq = (of) => of.client.hget(...SEQ).then(Number);
  parts.followed = () => until('the replica has all', async () => (await parts.seq(parts.primary)) === (await parts.seq(replica)));
  // keep: connections to the primary before stay as they are, and it lives on.
  parts.promote = async ({ keep = false } = {}) => {
    const lost = (await parts.seq(parts.primary)) - (await parts.seq(replica));
    await replica.client.call('REPLICAOF', 'NO', 'ONE');
    parts.wire.lead(replica.socket, { keep });
    const tools = path.join(parts.folder, 'tools.ini');
    fs.writeFileSync(tools, fs.readFileSync(tools, 'utf8').replace(/^redis = .*$/m, `redis = ${replica.address}`));
    return lost;
  };
  return parts;
}

const position = async (world) => Number((await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0]?.seq ?? 0);
const epoch = (redis) => redis.client.hget('bo:{hall}:state', 'epoch').then(Number);
const stop = (world) => childrenOf(world, 'scribe').forEach((pid) => process.kill(pid, 'SIGSTOP'));
const goOn = (world) => childrenOf(world, 'scribe').forEach((pid) => process.kill(pid, 'SIGCONT'));

// Records that were decided before an epoch began, and written behind its beginning.
const foreign = async (world) => (await world.postgres.query('SELECT count(*)::int AS n FROM ledger l JOIN epochs e ON e.sale = l.sale AND l.seq > e.after_seq AND l.epoch < e.epoch'
  + ' AND e.after_seq > 0'))[0].n;

async function inside(world) {
  const person = await arrive(world);
  await person.enter();
  return person;
}

// With the same key until it is answered with yes or no.
async function take(person) {
  const key = newKey();
  for (;;) {
    const answer = await person.ask({ type: 'take', key, item: 'coupon', count: 1 }, 'granted', 'refused', 'error');
    if (answer.code !== 'unavailable' && answer.code !== 'redis_lost_sale') return answer;
    await pause(200);
  }
}

// Bought with tickets that are in the tables, or failed and given back.
async function ended(world, person, { order }) {
  const word = await person.next('bought', 'order_failed');
  if (word.type === 'bought') return (await world.postgres.query('SELECT 1 FROM tickets WHERE order_id = $1', [order])).length > 0;
  return until('given back', async () => (await world.postgres.query("SELECT 1 FROM refunds WHERE order_id = $1 AND status = 'done'", [order])).length > 0, 30000).catch(() => false);
}

for (const known of [false, true]) {
  test(`P7 a promoted replica without the last decisions, ${known ? 'which PostgreSQL has' : 'nor has PostgreSQL'}`, async (t) => {
    const parts = await prepare(t);
    const world = await startBoxoffice(t, { rewire: parts.rewire, settings: { policy: 'capacity', capacity: 9 } });
    await world.admin('POST', '/api/sales/hall/stock', { item: 'coupon', kind: 'coupon', total: 90, limit: 9 });
    const people = [];
    for (let i = 0; i < 9; i++) people.push(await inside(world));
    const [early, late, holder, ...takers] = people;
    const waiting = [];
    for (let i = 0; i < 4; i++) waiting.push(await arrive(world));
    await early.hold('S-1');
    const pay = await early.checkout();
    await late.hold('S-2');
    await until('the stock is known', async () => (await take(takers[5])).type === 'granted');
    await until('the log is written', async () => (await position(world)) === (await parts.seq(parts.primary)));
    await parts.followed();
    const before = await epoch(parts.primary);
    // From here on the replica hears nothing.
    parts.link.stand();
    if (!known) stop(world);
    for (let i = 0; i < 4; i++) waiting.push(await arrive(world));
    await holder.hold('S-3');
    const second = await late.checkout();
    await Promise.all([early.settle(pay), late.settle(second)]);
    const taken = takers.slice(0, 5).map(take);
    await until('they are decided', async () => (await parts.primary.client.hget('bo:{hall}:state', 'sold')) === '2');
    if (known) await until('PostgreSQL has it', async () => (await position(world)) === (await parts.seq(parts.primary)));
    const lost = await parts.promote();
    if (!known) goOn(world);
    assert.ok(lost > 0);
    await until('another epoch has begun', async () => (await epoch(parts.replica)) > before, 30000);
    const [paid, granted] = await Promise.all([Promise.all([ended(world, early, pay), ended(world, late, second)]), Promise.all(taken)]);
    const newest = await until('somebody new may join', () => arrive(world).catch(() => false));
    assert.ok(newest.number > Math.max(...waiting.map(({ number }) => number)), 'numbers that were told are not given to others');
    await until('they stand in line again', async () => (await parts.replica.client.zrange('bo:{hall}:line', 0, -1)).at(-1) === newest.person);
    const bought = (await world.postgres.query("SELECT order_id FROM tickets")).length;
    const line = await parts.replica.client.zrange('bo:{hall}:line', 0, -1);
    assert.deepEqual(line, [...waiting, newest].map(({ person }) => person).slice(-line.length), 'in their order');
    assert.ok(line.length >= 9 - 2 - 1, `nobody is lost: ${line.length}`);
    const grants = (await world.postgres.query("SELECT person FROM grants WHERE NOT back")).map(({ person }) => person);
    const hold = await until('he may hold', async () => { const answer = await holder.hold('S-4'); return answer.code === 'unavailable' ? false : answer; });
    assert.equal(hold.type, 'held');
    const values = {
      failover_paid_untold: paid.filter((right) => !right).length,
      failover_granted_untrue: granted.filter(({ type }, i) => type === 'granted' && !grants.includes(takers[i].person)).length,
      failover_left_untrue: [...waiting, ...people, newest].filter(({ messages }) => messages.some(({ type }) => type === 'left')).length,
      refunds_missing: 2 - bought - (await world.postgres.query("SELECT 1 FROM refunds WHERE status = 'done'")).length,
    };
    report(`promoted replica, tail ${known ? 'known' : 'unknown'}`, values);
    assert.deepEqual(values, Object.fromEntries(Object.keys(values).map((key) => [key, 0])));
    assert.ok(granted.every(({ type }) => type === 'granted'));
    assert.equal(await foreign(world), 0);
    await until('the log is written', async () => (await position(world)) === (await parts.seq(parts.replica)));
  });
}

test('P7 a scribe that stood still with records of the primary before writes nothing of them', async (t) => {
  const parts = await prepare(t);
  const world = await startBoxoffice(t, { rewire: parts.rewire, settings: { policy: 'capacity', capacity: 0 } });
  await arrive(world);
  await until('the log is written', async () => (await position(world)) === (await parts.seq(parts.primary)));
  await parts.followed();
  const before = await epoch(parts.primary), written = await position(world);
  parts.link.stand();
  stop(world); // it waits for records: those that come now lie in its socket
  const lost = await arrive(world);
  await parts.promote({ keep: true });
  const clients = (await parts.primary.client.client('LIST')).split('\n').filter((line) => line && !/cmd=xread/.test(line) && !/flags=S/.test(line));
  for (const line of clients) if (!/cmd=client/.test(line)) await parts.primary.client.client('KILL', 'ID', line.match(/^id=(\d+)/)[1]).catch(() => {});
  await until('another epoch has begun', async () => (await epoch(parts.replica)) > before, 30000);
  goOn(world);
  const late = await until('somebody joins', () => arrive(world).catch(() => false));
  await until('the log is written', async () => (await position(world)) === (await parts.seq(parts.replica)));
  const records = await world.postgres.query('SELECT seq::int, epoch::float, kind FROM ledger WHERE seq > $1 ORDER BY seq', [written]);
  assert.ok(records.every((record) => record.epoch > before), JSON.stringify(records));
  assert.equal(await foreign(world), 0);
  assert.ok(late.number > lost.number);
  await until('he stands in line again', async () => (await parts.replica.client.zscore('bo:{hall}:line', lost.person)) === String(lost.number));
});

test('P7 a replica that lags is promoted while a crowd buys', async (t) => {
  const parts = await prepare(t);
  await storm(t, 'promoted replica under load', { loses: true, rewire: parts.rewire }, async (world) => {
    const before = await epoch(parts.primary), primary = parts.primary.client;
    parts.link.stand();
    await until('it lags', async () => (await parts.seq(parts.primary)) - (await parts.seq(parts.replica)) > 20);
    await parts.promote();
    world.redis.client = parts.replica.client; // what is asked from here on
    await primary.shutdown('NOSAVE').catch(() => {});
    await until('another epoch has begun', async () => (await epoch(parts.replica)) > before, 30000);
    atEnd(t, () => { world.redis.client = primary; });
  });
});
