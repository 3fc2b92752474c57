// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

const scribes = (world) => execSync(`pgrep -P ${world.child.pid} -f ' scribe' || true`).toString().trim().split('\n').filter(Boolean).map(Number);
const position = async (world) => Number((await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0]?.seq ?? 0);
const seq = async (world) => Number(await world.redis.client.hget('bo:{hall}:state', 'seq'));
const caughtUp = (world) => until('the log is written', async () => (await position(world)) === (await seq(world)));

test('P1 killed again and again while people buy: nothing is lost, nothing is doubled', async (t) => {
  const world = await startBoxoffice(t, { seats: 60 });
  let done = false, kills = 0;
  const killer = (async () => {
    while (!done) {
      const [pid] = scribes(world);
      if (pid) {
        process.kill(pid, 'SIGKILL');
        kills++;
      }
      await new Promise((ready) => setTimeout(ready, 60 + 10 * kills)); // the next one lives longer: on a slow machine, too, one comes to work
    }
  })();
  const buyers = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const person = await new Person(world).connect();
    return person.buy(`S-${i * 3 + 1}`, `S-${i * 3 + 2}`);
  }));
  done = true;
  await killer;
  assert.ok(kills > 0);
  await caughtUp(world);
  assert.ok(buyers.every((b) => b.type === 'bought' && b.tickets.length === 2));
  const [{ count, last }] = await world.postgres.query('SELECT count(*)::int AS count, max(seq)::int AS last FROM ledger');
  assert.equal(count, last, 'dense, each once');
  assert.equal((await world.postgres.query('SELECT count(*)::int AS n FROM tickets'))[0].n, 40);
});

test('P2 the ledger is insert-only', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  for (const sql of ['DELETE FROM ledger', "UPDATE ledger SET kind = 'x'", 'TRUNCATE ledger'])
    await assert.rejects(world.postgres.query(sql), /insert-only/);
});

test('P3 a record that cannot be written is put aside with its reason and stops nobody', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  const next = (await world.redis.client.hincrby('bo:{hall}:state', 'seq', 1));
  await world.redis.client.xadd('bo:{hall}:log', `${next}-0`, 'kind', 'join', 'at', '1', 'body', 'this is no JSON');
  const person = await new Person(world).connect();
  assert.equal((await person.buy('S-1')).type, 'bought');
  const [letter] = await world.postgres.query('SELECT seq::int, kind, body, reason FROM dead_letters');
  assert.deepEqual([letter.seq, letter.kind, letter.body], [next, 'join', 'this is no JSON']);
  assert.match(letter.reason, /json/);
  await caughtUp(world);
});

test('P1 the log position is where the rows are: Redis is told again after a crash between commit and word', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  await world.redis.client.hset('bo:{hall}:state', 'committed', 0);
  for (const pid of scribes(world)) process.kill(pid, 'SIGKILL');
  await until('told again', async () => Number(await world.redis.client.hget('bo:{hall}:state', 'committed')) === await seq(world));
});
