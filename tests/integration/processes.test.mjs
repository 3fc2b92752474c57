// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

const children = (world, kind) => execSync(`pgrep -P ${world.child.pid} -f ' ${kind}' || true`).toString().trim().split('\n').filter(Boolean).map(Number);

test('connections are spread over the gateways of one port', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 3 } });
  for (let i = 0; i < 30; i++) await arrive(world, false);
  const inodes = children(world, 'gateway').map((pid) => Number(execSync(`ls -l /proc/${pid}/fd | grep -c socket`)));
  assert.equal(inodes.length, 3);
  assert.ok(inodes.every((count) => count > 6), inodes.join());
});

test('a gateway that is killed costs its people a reconnect: place, admission and held seats stay', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 }, config: { gateways: 2 } });
  const inside = await arrive(world), waiting = await arrive(world);
  await inside.enter();
  await inside.hold('S-1');
  const before = children(world, 'gateway');
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await Promise.all([inside.closed, waiting.closed]);
  await until('started again', () => children(world, 'gateway').filter((pid) => !before.includes(pid)).length === 2);
  await world.healthy();
  const again = await until('back in line', () => arrive(world, { resume: waiting.resume }).then((p) => p.number === 2 && p, () => false));
  assert.equal(again.number, 2);
  const back = await arrive(world, { resume: inside.resume });
  assert.deepEqual((await back.enter()).seats, ['S-1']);
  world.child.output = ''; // its gateways died on purpose
});

test('X3 SIGTERM drains: everyone is told to come back, the log is written, and the status is 0', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 } });
  const inside = await arrive(world), waiting = await arrive(world);
  await inside.enter();
  await inside.hold('S-1', 'S-2');
  await world.stop();
  for (const person of [inside, waiting]) {
    await person.next('moved');
    assert.equal((await person.closed).code, 1012);
  }
  const kinds = (await world.postgres.query('SELECT kind FROM ledger ORDER BY seq')).map((r) => r.kind);
  assert.equal(kinds.at(-1), 'seats');
  await world.restart();
  assert.equal((await arrive(world, { resume: waiting.resume })).number, 2);
  const back = await arrive(world, { resume: inside.resume });
  assert.deepEqual((await back.enter()).seats, ['S-1', 'S-2']);
});

test('SIGHUP reloads what may change, refuses what is wrong, and nobody notices', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const person = await arrive(world);
  world.writeConfig({ admin_tokens: 'other:another-admin-token' });
  world.child.kill('SIGHUP');
  await until('the new token counts', async () => (await world.admin('GET', '/api/sales', undefined, 'another-admin-token')).status === 200);
  world.writeConfig({ tick_ms: 'never' });
  world.child.kill('SIGHUP');
  await until('refused', () => /configuration not reloaded.*tick_ms/.test(world.child.output));
  await person.ask({ type: 'ping' }, 'pong');
  world.writeConfig({ tick_ms: 100, listen_port: world.port + 1 });
  world.child.kill('SIGHUP');
  await until('named', () => /needs a restart: listen_port/.test(world.child.output));
  await person.next('position');
});

test('a supervisor that is killed takes its processes with it, and the next one goes on', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const person = await arrive(world);
  const before = [...children(world, 'gateway'), ...children(world, 'scribe')];
  await world.child.stop('SIGKILL');
  await until('all gone', () => before.every((pid) => !fs.existsSync(`/proc/${pid}`) || fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')));
  world.startAgain();
  await world.healthy();
  assert.equal((await arrive(world, { resume: person.resume })).number, 1);
});

test('Redis restarts: holds and admissions stop, nothing is lost, and it goes on', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 } });
  const inside = await arrive(world), waiting = await arrive(world);
  await inside.enter();
  await inside.hold('S-1');
  await world.redis.stop();
  assert.equal((await inside.hold('S-2')).code, 'unavailable');
  const late = await new Person(world).connect();
  assert.equal((await late.join()).code, 'unavailable');
  await world.redis.start();
  await until('holds again', async () => (await inside.hold('S-2')).type === 'held');
  inside.send({ type: 'leave' });
  await waiting.next('admitted');
});

test('a Redis that lost everything sells nothing anew until the sale is restored', async (t) => {
  const world = await startBoxoffice(t);
  const buyer = await new Person(world).connect();
  await buyer.buy('S-1');
  for (const pid of children(world, 'scribe')) process.kill(pid, 'SIGSTOP');
  await world.redis.client.flushall();
  const person = await new Person(world).connect();
  await until('the loss is noticed', async () => {
    const answer = await person.join();
    assert.equal(answer.type, 'error');
    assert.ok(answer.retry_ms > 0, 'and when to try again is said');
    return answer.code === 'redis_lost_sale';
  });
  for (const pid of children(world, 'scribe')) process.kill(pid, 'SIGCONT');
  await until('it goes on', async () => (await person.join()).type === 'joined');
  await person.enter();
  assert.equal((await person.hold('S-1')).code, 'seat_taken');
});
