// SPDX-License-Identifier: Apache-2.0
// Faults of all kinds, one after another, as a seed draws them. It is printed, and FAULTS_SEED=… repeats a run; without it a short run (FAULTS_MIX_S seconds) is always
// the same one, a long one another each time.
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { childrenOf } from '../lib/parts.mjs';
import { until } from '../lib/servers.mjs';
import { pause, storm } from '../lib/storm.mjs';

const seconds = Number(process.env.FAULTS_MIX_S ?? 20), seed = Number(process.env.FAULTS_SEED ?? (seconds > 60 ? Math.floor(Math.random() * 1e9) : 7));

// Park and Miller's minimal standard generator (1988).
function generator(from) {
  let state = (from % 2147483646) + 1;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

const signal = (pids, name) => {
  for (const pid of pids) try { process.kill(pid, name); } catch { /* it has ended: PostgreSQL's workers come and go */ }
};

const stopped = async (pids, ms) => {
  signal(pids, 'SIGSTOP');
  await pause(ms);
  signal(pids, 'SIGCONT');
};

const faults = {
  'a gateway is killed': (world, draw) => process.kill(childrenOf(world, 'gateway')[draw(2)] ?? childrenOf(world, 'gateway')[0], 'SIGKILL'),
  'a scribe is killed': (world, draw) => process.kill(childrenOf(world, 'scribe')[draw(2)] ?? childrenOf(world, 'scribe')[0], 'SIGKILL'),
  'Redis is killed': async (world, draw) => {
    await world.redis.stop('SIGKILL');
    await pause(draw(800));
    await world.redis.start();
  },
  'Redis loses its data': async (world) => {
    const before = await world.redis.client.hget('bo:{hall}:state', 'epoch');
    await world.redis.client.flushall();
    await until('it is restored', async () => {
      const now = await world.redis.client.hget('bo:{hall}:state', 'epoch').catch(() => null);
      return now && now !== before;
    }, 60000);
  },
  'PostgreSQL is restarted': async (world, draw) => {
    await world.postgres.stop('SIGINT');
    await pause(draw(1500));
    await world.postgres.start();
  },
  'a gateway stands still': (world, draw) => stopped([childrenOf(world, 'gateway')[0]], draw(4000)),
  'a scribe stands still': (world, draw) => stopped([childrenOf(world, 'scribe')[0]], draw(8000)),
  'Redis stands still': (world, draw) => stopped(world.redis.pids, draw(4000)),
  'PostgreSQL stands still': (world, draw) => stopped(world.postgres.pids, draw(4000)),
  'the payment service stands still': (world, draw) => stopped([world.payments.child.pid], draw(3000)),
  'Redis has no memory': async (world, draw) => {
    await world.redis.client.config('SET', 'maxmemory', '1');
    await pause(draw(2000));
    await world.redis.client.config('SET', 'maxmemory', '0');
  },
  'the program is replaced': (world) => world.child.kill('SIGUSR2'),
};

test(`a mix of faults for ${seconds} s, seed ${seed}`, async (t) => {
  const draw = generator(seed), names = Object.keys(faults), said = [];
  t.diagnostic(`seed ${seed}`);
  await storm(t, `mix, seed ${seed}`, { people: 60 + seconds * 8, seats: 50 + seconds * 6, seconds: seconds * 2 + 120, slack: 600, loses: true, config: { scribes: 2 },
    crowd: { seed: (seed % 1000) + 1, more: ['--ramp', seconds * 700] }, settings: { rate_count: 4, capacity: 80 } }, async (world) => {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      const name = names[draw(names.length)];
      said.push(name);
      fs.appendFileSync(path.join(world.folder, 'mix'), `${name}\n`);
      try {
        await faults[name](world, draw);
      } catch (error) {
        throw new Error(`seed ${seed}, after ${said}: ${error.message}`);
      }
      await pause(200 + draw(1500));
    }
  });
});
