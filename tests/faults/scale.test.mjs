// SPDX-License-Identifier: Apache-2.0
// Many people: a Redis that is wiped with 100,000 in line and 20,000 seats sold, a gateway of 19,000 people that is killed, and a program that is replaced under load.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { ask, childrenOf } from '../lib/parts.mjs';
import { defineScripts, Sale } from '../lib/scripts.mjs';
import { atEnd, root, startBoxoffice, until } from '../lib/servers.mjs';
import { report, storm } from '../lib/storm.mjs';

const crowdBinary = process.env.CROWD_BINARY ?? path.join(root, 'build/bench/crowd');
const numbered = (prefix, from, count) => Array.from({ length: count }, (_, i) => `${prefix}${from + i}`);

// Everything at once, a few hundred commands under way at a time.
async function each(list, action) {
  const answers = [];
  for (let i = 0; i < list.length; i += 300) answers.push(...await Promise.all(list.slice(i, i + 300).map(action)));
  return answers;
}

// By the scripts themselves, as gateways would.
async function sellTo(sale, buyers, firstSeat) {
  for (let i = 0; i < buyers.length; i += 500) await sale.join(...buyers.slice(i, i + 500));
  await until('they are in', async () => (await sale.tick(), Number(await sale.redis.zcard(sale.key.line)) === 0));
  const places = (await each(buyers, (buyer) => sale.run('line_find', buyer))).map(([,, place]) => place);
  await each(buyers, (buyer, i) => sale.run('line_enter', buyer, places[buyers.indexOf(buyer)][0]));
  for (let i = 0; i < buyers.length; i += 64)
    await sale.run('seats_choose', ...buyers.slice(i, i + 64).flatMap((buyer, k) => [buyer, places[i + k][0], 'h', 'hold', 0, 6, 0, ...[0, 1, 2].flatMap((n) => [firstSeat + (i + k) * 3 + n, 3000])]));
  const orders = buyers.map((buyer, i) => ({ buyer, number: places[i][0], order: `o:${buyer.slice(2)}` }));
  await each(orders, ({ buyer, number, order }) => sale.run('order_checkout', buyer, number, order));
  const paid = await each(orders, ({ order }) => sale.run('order_pay', order, `p:${order.slice(2)}`, 'paid', 9000, 'EUR'));
  assert.ok(paid.every(([code, state]) => code === 'ok' && state === 'paid'));
}

test('P2 Redis is wiped with 100,000 in line and 20,000 seats sold: all is back within half a minute', async (t) => {
  const world = await startBoxoffice(t, { seats: 20010, settings: { policy: 'capacity', capacity: 100000, claim_ms: 600000, grace_ms: 3600000, choose_ms: 3600000 }, config: { messages_per_10s: 10000 } });
  const redis = world.redis.client, sale = new Sale(defineScripts(redis));
  const buyer = await new Person(world).connect(), holder = await arrive(world);
  const { tickets } = await buyer.buy('S-1', 'S-2');
  await holder.enter();
  assert.equal((await holder.hold('S-3')).type, 'held');
  await sellTo(sale, numbered('u:buyer', 1, 6666), 3);
  await world.set({ capacity: 0 });
  await until('it counts', async () => (await redis.hget(sale.key.state, 'capacity')) === '0');
  for (let i = 0; i < 100000; i += 500) await sale.join(...numbered('u:wait', i, 500));
  const waiting = await arrive(world);
  const position = async () => (await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0].seq;
  await until('the log is written', async () => (await position()) === (await redis.hget(sale.key.state, 'seq')), 60000);
  const line = await redis.zrange(sale.key.line, 0, -1, 'WITHSCORES'), before = await redis.hget(sale.key.state, 'epoch');
  assert.equal(line.length, 200002);
  const began = Date.now();
  await redis.flushall();
  await until('it is restored', async () => {
    const now = await redis.hget(sale.key.state, 'epoch');
    return now && now !== before;
  }, 60000);
  const newcomer = await until('somebody new joins', () => arrive(world).catch(() => false), 60000);
  await until('and somebody inside holds', async () => (await holder.hold('S-20010')).type === 'held', 60000);
  const backInService = (Date.now() - began) / 1000;
  assert.ok(newcomer.number > waiting.number);
  assert.deepEqual((await redis.zrange(sale.key.line, 0, -1, 'WITHSCORES')).slice(0, 200002), line, 'everyone stands where he stood');
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets[0].code })).status, 200);
  const lost = 20000 - Number(await redis.hget(sale.key.state, 'sold'));
  report('redis wiped, 100,000 in line, 20,000 sold', { purchases_lost_after_redis_wipe: lost, back_in_service_s: backInService });
  assert.equal(lost, 0);
  assert.ok((await holder.hold('S-20000')).type !== 'held', 'it was sold');
});

test('L6 a gateway of 19,000 people is killed: all are back in their places', async (t) => {
  const world = await startBoxoffice(t, { reconcile: false, config: { gateways: 1 }, settings: { policy: 'capacity', capacity: 0 } });
  const status = path.join(world.folder, 'status');
  const crowd = spawn(crowdBinary, ['--people', '19000', '--wait', '--port', world.port, '--sale', 'hall', '--limit', '170', '--status', status, '--restless', '0'].map(String), { stdio: 'ignore' });
  atEnd(t, () => new Promise((done) => {
    crowd.on('close', done);
    crowd.kill('SIGTERM');
  }));
  const now = () => { try { return JSON.parse(fs.readFileSync(status, 'utf8').trim().split('\n').at(-1)); } catch { return {}; } };
  await until('19,000 stand in line', () => now().placed === 19000, 90000);
  const line = await world.redis.client.zrange('bo:{hall}:line', 0, -1, 'WITHSCORES');
  const began = Date.now();
  process.kill(childrenOf(world, 'gateway')[0], 'SIGKILL');
  await until('they are gone', () => now().placed < 19000);
  await until('all are back', () => now().placed === 19000, 60000);
  const back = (Date.now() - began) / 1000;
  assert.deepEqual(await world.redis.client.zrange('bo:{hall}:line', 0, -1, 'WITHSCORES'), line);
  report('a gateway of 19,000 people killed', { gateway_kill_back_s: back });
});

test('X3 the program is replaced while a crowd buys: no request fails, nobody is lost', async (t) => {
  const ends = [];
  let failed = [];
  await storm(t, 'program replaced', {}, async (world) => {
    ends.push(ask(t, world, '/api/sales/hall/plan'), ask(t, world, '/'));
    for (let i = 1; i <= 2; i++) {
      world.child.kill('SIGUSR2');
      await until('the version before has ended', () => (world.child.output.match(/of the version before have ended/g) ?? []).length === i, 60000);
    }
    for (const end of ends) failed = failed.concat((await end()).failed);
  });
  report('program replaced under load', { upgrade_failed_requests: failed.length, upgrade_lost_people: 0 });
  assert.deepEqual(failed, []);
});
