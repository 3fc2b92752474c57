// SPDX-License-Identifier: Apache-2.0
// Redis' clock jumps by an hour, back and forth, while people wait, choose (tests/lib/fake_clock.c).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { arrive } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

test('a clock that jumps forward and back by an hour: nobody is lost, late, or admitted out of order', async (t) => {
  const clock = {};
  const world = await startBoxoffice(t, {
    settings: { policy: 'capacity', capacity: 2, grace_ms: 60000 },
    redisEnv: (folder) => {
      clock.file = path.join(folder, 'clock');
      fs.writeFileSync(clock.file, '0');
      return { LD_PRELOAD: process.env.FAKE_CLOCK_LIBRARY, FAKE_CLOCK: clock.file };
    },
  });
  const redisTime = async () => Number((await world.redis.client.time())[0]) * 1000;
  const people = [];
  for (let i = 0; i < 5; i++) people.push(await arrive(world));
  const first = await people[0].enter(), second = await people[1].enter();
  await people[0].hold('S-1', 'S-2');
  await people[3].cut(); // away within his grace
  await until('noted', async () => (await world.redis.client.zcard('bo:{hall}:absent')) === 1);
  for (const hours of [1, -1, 0]) {
    fs.writeFileSync(clock.file, String(hours * 3600));
    await until('the clock has jumped', async () => Math.abs((await redisTime()) - Date.now() - hours * 3600000) < 60000);
    const ticked = Number(await world.redis.client.hget('bo:{hall}:state', 'ticked'));
    await until('it ticks on', async () => Number(await world.redis.client.hget('bo:{hall}:state', 'ticked')) > ticked + 200);
    assert.equal(await world.redis.client.zcard('bo:{hall}:active'), 2, `after ${hours} h`);
    assert.equal((await people[0].hold(`S-${10 + hours}`)).type, hours === 0 ? 'refused' : hours === 1 ? 'held' : 'refused');
    await until('he is still first in line', async () => (await people[2].next('position')).position === 1);
  }
  const back = await arrive(world, { resume: people[3].resume });
  assert.equal(back.number, people[3].number);
  for (const at of [1, 0]) {
    people[at].send({ type: 'leave' });
    await people[at].next('left');
  }
  await people[2].next('admitted');
  const { left_ms: left } = await back.next('admitted');
  assert.ok(left > 50000 && left < 61000, String(left));
  assert.ok(first.left_ms < 601000 && second.left_ms < 601000);
  for (const person of people) assert.equal(person.messages.some(({ type }) => type === 'expired'), false);
});
