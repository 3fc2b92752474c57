// SPDX-License-Identifier: Apache-2.0
// A process dies at each point of the write path there is (src/base/crash.def), once, while people buy. Everyone gets what he was promised all the same.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root, startBoxoffice, until } from '../lib/servers.mjs';
import { buyStubbornly } from '../lib/stubborn.mjs';

const named = [...fs.readFileSync(path.join(root, 'src/base/crash.def'), 'utf8').matchAll(/^POINT\((\w+)/gm)].map(([, name]) => name);
const answered = ['line_join', 'line_find', 'line_tick', 'line_enter', 'line_return', 'seats_choose', 'order_checkout', 'order_pay', 'order_refund', 'sale_load', 'sale_map'];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function insist(what, action) {
  return until(what, () => action().catch(() => false), 30000);
}

async function loseRedis(world) {
  const epoch = () => world.redis.client.hget('bo:{hall}:state', 'epoch');
  const before = await epoch();
  await world.redis.client.flushall();
  await until('it is restored', async () => {
    const now = await epoch();
    return now && now !== before;
  }, 30000);
}

for (const point of [...named, ...answered.map((name) => `answered ${name}`)]) {
  test(`P1 O3 a process dies at: ${point}`, async (t) => {
    const marker = (folder) => path.join(folder, 'die');
    const world = await startBoxoffice(t, { payments: ['--auto', '1'], env: (folder) => ({ BOXOFFICE_CRASH: `${point} ${marker(folder)}` }),
      settings: { claim_ms: 60000, limit: 2 }, seats: 20 });
    fs.writeFileSync(marker(world.folder), '');
    const buyers = [1, 3, 5, 7].map((seat) => ({ seats: [`S-${seat}`, `S-${seat + 1}`] }));
    const ends = await Promise.all(buyers.map((self) => buyStubbornly(world, self.seats, self)));
    assert.deepEqual(ends.map(({ type, reason }) => [type, reason]), buyers.map(() => ['bought', undefined]));
    await insist('the settings are changed', async () => (await world.admin('PATCH', '/api/sales/hall', { limit: 3 })).status === 200);
    await insist('money is given back', async () => (await world.admin('POST', '/api/sales/hall/refund', { order: ends[0].order, refund: 'r', seats: ['S-2'] })).status === 200);
    await until('the refund is made', async () => (await world.postgres.query("SELECT count(*)::int AS n FROM refunds WHERE status = 'done'"))[0].n === 1, 45000);
    if (/restore|return|map/.test(point)) {
      await world.set({ policy: 'capacity', capacity: 0 });
      const last = buyStubbornly(world, ['S-9'], {});
      await until('he stands in line', async () => (await world.redis.client.zcard('bo:{hall}:line')) === 1);
      await pause(200); // the scribe may have it or not: both are right
      await loseRedis(world);
      await insist('the line goes on', async () => (await world.admin('PATCH', '/api/sales/hall', { capacity: 100 })).status === 200);
      assert.equal((await last).type, 'bought');
    }
    assert.equal(fs.existsSync(marker(world.folder)), false, 'the point was visited');
    const tickets = await world.postgres.query('SELECT seat, person FROM tickets ORDER BY seat');
    const owners = buyers.flatMap((self) => self.seats.map((seat) => ({ seat: Number(seat.slice(2)) - 1, person: self.person }))).filter(({ seat }) => seat !== 1);
    assert.deepEqual(tickets.slice(0, 7), owners);
    const [{ count, last }] = await world.postgres.query('SELECT count(*)::int AS count, max(seq)::int AS last FROM ledger');
    assert.equal(count, last, 'dense, each once');
    assert.equal((await world.postgres.query('SELECT count(*)::int AS n FROM dead_letters'))[0].n, 0);
  });
}
