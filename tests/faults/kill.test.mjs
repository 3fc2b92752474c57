// SPDX-License-Identifier: Apache-2.0
// Processes that are killed, or stand still for ten seconds, while a crowd buys.
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { descendants, until } from '../lib/servers.mjs';
import { pause, storm } from '../lib/storm.mjs';
import { childrenOf } from '../lib/parts.mjs';

test('kill -9 of gateways, one after another', async (t) => {
  await storm(t, 'kill gateway', {}, async (world) => {
    for (let i = 0; i < 4; i++) {
      process.kill(childrenOf(world, 'gateway')[i % 2], 'SIGKILL');
      await pause(1500);
    }
  });
});

test('kill -9 of the scribe, again and again', async (t) => {
  await storm(t, 'kill scribe', {}, async (world) => {
    for (let i = 0; i < 8; i++) {
      for (const pid of childrenOf(world, 'scribe')) process.kill(pid, 'SIGKILL');
      await pause(300 + 100 * i);
    }
  });
});

test('kill -9 of the supervisor, and everything started again', async (t) => {
  await storm(t, 'kill supervisor', {}, async (world) => {
    const before = descendants(world.child.pid);
    await world.child.stop('SIGKILL');
    await until('its processes have ended', () => before.every((pid) => !fs.existsSync(`/proc/${pid}`)), 30000);
    world.startAgain();
    await world.healthy();
  });
});

test('kill -9 of Redis, which comes back with its append-only file', async (t) => {
  await storm(t, 'kill redis', {}, async (world) => {
    for (let i = 0; i < 2; i++) {
      await world.redis.stop('SIGKILL');
      await pause(500);
      await world.redis.start();
      await pause(2000);
    }
  });
});

test('kill -9 of Redis, whose data is gone', async (t) => {
  await storm(t, 'redis data gone', { loses: true }, async (world) => {
    await world.redis.stop('SIGKILL');
    fs.rmSync(path.join(world.folder, 'appendonlydir'), { recursive: true });
    await world.redis.start();
    await until('the sale is restored', () => world.redis.client.hget('bo:{hall}:state', 'restored').catch(() => null), 40000);
  });
});

test('Redis told to forget its scripts, then restarted (NOSCRIPT)', async (t) => {
  await storm(t, 'scripts forgotten', {}, async (world) => {
    for (let i = 0; i < 3; i++) {
      await world.redis.client.script('FLUSH');
      await pause(500);
    }
    await world.redis.restart();
  });
});

test('kill -9 of PostgreSQL, which recovers', async (t) => {
  await storm(t, 'kill postgres', {}, async (world) => {
    for (const pid of world.postgres.pids) process.kill(pid, 'SIGKILL');
    await world.postgres.stop();
    await pause(1000);
    fs.rmSync(path.join(world.folder, 'pg/data/postmaster.pid'), { force: true });
    await world.postgres.start();
  });
});

test('PostgreSQL restarted', async (t) => {
  await storm(t, 'restart postgres', {}, async (world) => {
    await world.postgres.stop('SIGINT');
    await pause(3000);
    await world.postgres.start();
  });
});

const still = {
  gateway: (world) => [childrenOf(world, 'gateway')[0]],
  scribe: (world) => childrenOf(world, 'scribe'),
  supervisor: (world) => [world.child.pid],
  redis: (world) => world.redis.pids,
  postgres: (world) => world.postgres.pids,
  'payment service': (world) => [world.payments.child.pid],
};
for (const [name, pids] of Object.entries(still)) {
  test(`SIGSTOP of ${name} for ten seconds`, async (t) => {
    await storm(t, `stop ${name}`, { config: { scribes: 2 } }, async (world) => {
      const stopped = pids(world);
      for (const pid of stopped) process.kill(pid, 'SIGSTOP');
      await pause(10000);
      for (const pid of stopped) process.kill(pid, 'SIGCONT');
    });
  });
}
