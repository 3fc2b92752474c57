// SPDX-License-Identifier: Apache-2.0
// The program is replaced by its next version while people stand in line and buy (rule X3).
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { ask } from '../lib/parts.mjs';
import { binary, startBoxoffice, until } from '../lib/servers.mjs';
import { buyStubbornly } from '../lib/stubborn.mjs';

const children = (world) => execSync(`pgrep -P ${world.child.pid} || true`).toString().trim().split('\n').filter(Boolean);

test('X3 SIGUSR2 goes over to the next version: no request fails, nobody loses his place, and buyers buy', async (t) => {
  const world = await startBoxoffice(t, { payments: ['--auto', '1', '--delay', '50-300'], settings: { policy: 'rate', rate_count: 5, rate_ms: 1000, limit: 1 } });
  const before = children(world);
  const endings = [ask(t, world, '/api/sales/hall/plan'), ask(t, world, '/')];
  const waiting = await Promise.all(Array.from({ length: 4 }, () => arrive(world)));
  const buyers = Array.from({ length: 20 }, (_, i) => buyStubbornly(world, [`S-${i + 1}`]));
  await until('some have bought', async () => (await world.counts()).sold > 2);
  for (const pid of [...before.map(Number), world.child.pid]) process.kill(pid, 'SIGUSR2'); // as systemctl kill does: to all
  await until('the old processes have ended', () => /of the version before have ended/.test(world.child.output));
  assert.equal(children(world).filter((pid) => before.includes(pid)).length, 0);
  assert.equal(children(world).length, before.length);
  assert.deepEqual((await Promise.all(buyers)).map(({ type }) => type), Array(20).fill('bought'));
  for (const end of endings) {
    const { count, failed } = await end();
    assert.ok(count > 10);
    assert.deepEqual(failed, []);
  }
  for (const person of waiting.filter(({ messages }) => messages.some(({ type }) => type === 'moved'))) {
    const back = await arrive(world, { resume: person.resume });
    assert.equal(back.person, person.person);
  }
  world.child.kill('SIGUSR2');
  await until('and again', () => world.child.output.match(/of the version before have ended/g).length === 2);
});

test('X3 a next version that does not run is not gone over to', async (t) => {
  const world = await startBoxoffice(t, { binary: (folder) => {
    const own = path.join(folder, 'boxoffice');
    fs.copyFileSync(binary, own);
    return own;
  } });
  const person = await arrive(world);
  const own = path.join(world.folder, 'boxoffice');
  fs.renameSync(own, `${own}.before`);
  fs.writeFileSync(own, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  world.child.kill('SIGUSR2');
  await until('it is refused', () => /cannot be gone over to; this version goes on/.test(world.child.output));
  await person.ask({ type: 'ping' }, 'pong');
  fs.renameSync(`${own}.before`, own);
  world.child.kill('SIGUSR2');
  await until('this one is', () => /of the version before have ended/.test(world.child.output));
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
});

test('X3 a next version that vanishes in the moment it is gone over to changes nothing', async (t) => {
  const world = await startBoxoffice(t, { binary: (folder) => {
    const own = path.join(folder, 'boxoffice');
    fs.copyFileSync(binary, own);
    return own;
  } });
  const own = path.join(world.folder, 'boxoffice');
  fs.renameSync(own, `${own}.before`);
  fs.writeFileSync(own, '#!/bin/sh\nrm "$0"\n', { mode: 0o755 }); // it says that the configuration is right
  world.child.kill('SIGUSR2');
  await until('it cannot be run', () => /No such file or directory; this version goes on/.test(world.child.output));
  fs.renameSync(`${own}.before`, own);
  const before = children(world);
  for (const pid of before) process.kill(Number(pid), 'SIGKILL');
  await until('all are here again', () => children(world).length === before.length && !children(world).some((pid) => before.includes(pid)));
  for (const pid of children(world)) assert.doesNotMatch(fs.readFileSync(`/proc/${pid}/environ`, 'latin1'), /HANDOVER/);
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
});

test('a gateway that dies leaves its port open: who comes meanwhile waits for a moment', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const end = ask(t, world, '/api/sales');
  for (let i = 0; i < 3; i++) {
    const [pid] = execSync(`pgrep -P ${world.child.pid} -f ' gateway'`).toString().trim().split('\n');
    process.kill(Number(pid), 'SIGKILL');
    await until('another one', () => execSync(`pgrep -P ${world.child.pid} -f ' gateway' || true`).toString().trim().split('\n').some((p) => p && p !== pid));
  }
  const { failed } = await end();
  assert.ok(failed.every((code) => code === 'ECONNRESET'), `refused: ${failed}`);
  assert.ok(failed.length <= 3, 'those that were being answered');
});
