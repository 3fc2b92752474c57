// SPDX-License-Identifier: Apache-2.0
// What is needed runs out, while a crowd buys: disk, connections, memory, files; or the clock jumps.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { childrenOf } from '../lib/parts.mjs';
import { atEnd, until } from '../lib/servers.mjs';
import { pause, storm } from '../lib/storm.mjs';

test('the disk of PostgreSQL is full', { skip: process.getuid() !== 0 && 'needs a small file system' }, async (t) => {
  await storm(t, 'disk full', { prepare: (folder) => {
    const disk = path.join(folder, 'pg');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=120m,mode=755', 'tmpfs', disk]);
    atEnd(t, () => execFileSync('umount', ['-l', disk]));
  } }, async (world) => {
    const ballast = path.join(world.folder, 'pg/ballast');
    try { fs.writeFileSync(ballast, Buffer.alloc(200 << 20)); } catch { /* as much as there is room for */ }
    assert.ok(fs.statSync(ballast).size > 10 << 20);
    await pause(5000);
    fs.rmSync(ballast);
    await until('PostgreSQL is back', () => world.postgres.query('SELECT 1').catch(() => world.postgres.stop().then(() => world.postgres.start()).catch(() => false)), 60000);
  });
});

test('PostgreSQL has no connection left', async (t) => {
  await storm(t, 'connection limit', {}, async (world) => {
    const clients = [];
    const take = async () => {
      const client = new pg.Client({ host: world.postgres.folder, user: 'boxoffice', database: 'postgres' });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
    };
    await take();
    for (let i = 0; i < 4; i++) {
      await clients[0].query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = \'client backend\' AND pid <> ALL($1::int[])', [clients.map((client) => client.processID)]);
      for (;;) if (await take().then(() => false, () => true)) break;
      await pause(1000);
    }
    for (const client of clients) await client.end();
  });
});

test('Redis reaches its memory limit', async (t) => {
  await storm(t, 'redis memory', {}, async (world) => {
    await world.redis.client.config('SET', 'maxmemory', '1');
    await pause(4000);
    await world.redis.client.config('SET', 'maxmemory', '0');
  });
});

test('gateways have no file left: who comes hears so and when to try again', async (t) => {
  await storm(t, 'no files', {}, async (world) => {
    const gateways = childrenOf(world, 'gateway');
    for (const pid of gateways) execFileSync('prlimit', ['--pid', String(pid), `--nofile=${fs.readdirSync(`/proc/${pid}/fd`).length + 1}:`]);
    const answers = await Promise.all(Array.from({ length: 30 }, () => new Promise((done) => {
      http.get(`${world.url}/api/sales`, { agent: false, timeout: 15000 }, (response) => {
        response.resume();
        done([response.statusCode, response.headers['retry-after']]);
      }).on('error', (error) => done([error.code]));
    })));
    assert.ok(answers.some(([status]) => status === 503), String(answers));
    assert.ok(answers.every(([status]) => status === 200 || status === 503), `no connection is just torn: ${answers}`);
    assert.ok(answers.every(([status, retry]) => status !== 503 || retry), 'and when to come back');
    await pause(2000);
    for (const pid of gateways) execFileSync('prlimit', ['--pid', String(pid), '--nofile=20000:']);
  });
});

test('the clock of Redis jumps by an hour, forward and back', async (t) => {
  let file;
  await storm(t, 'clock', { slack: 4000, redisEnv: (folder) => {
    file = path.join(folder, 'clock');
    fs.writeFileSync(file, '0');
    return { LD_PRELOAD: process.env.FAKE_CLOCK_LIBRARY, FAKE_CLOCK: file };
  } }, async () => {
    for (const hours of [1, -1, 0]) {
      fs.writeFileSync(file, String(hours * 3600));
      await pause(1500);
    }
  });
});
