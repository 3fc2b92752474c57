// SPDX-License-Identifier: Apache-2.0
// One visit from the browser to the row: the trace, and the story that is told by it (rule W1).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { arrive } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

const TRACE = '4f1c0a9be2d37715';

test('W1 a trace goes from the browser through Redis to the row, and finds the whole story', async (t) => {
  const world = await startBoxoffice(t, { config: { log_level: 'debug' } });
  const [person, other] = [await arrive(world, { trace: TRACE }), await arrive(world)];
  await person.enter();
  await person.hold('S-1', 'S-2');
  await person.ask({ type: 'release', key: 'r-1', seats: ['S-2'] }, 'released');
  await other.enter();
  await other.hold('S-3');
  const pay = await person.checkout();
  await person.settle(pay);
  await person.next('bought');
  other.send({ type: 'leave' });
  await other.next('left');
  await until('all is in PostgreSQL', async () => (await world.counts()).log_lag === 0);
  const rows = await world.postgres.query(`SELECT body FROM ledger WHERE kind = 'join' AND body->'traces' ? '${TRACE}'`);
  assert.deepEqual(rows[0].body.traces, [person.person, TRACE]);
  const kinds = (text) => text.trim().split('\n').map((line) => /#\d+ +(\w+)/.exec(line)?.[1]);
  for (const word of [TRACE, person.person, pay.order]) {
    const { status, stdout, stderr } = world.run('story', word);
    assert.equal(status, 0, stderr);
    const told = kinds(stdout);
    for (const kind of ['join', 'admit', 'enter', 'checkout', 'paid']) assert.ok(told.includes(kind), `${word}: ${stdout}`);
    assert.equal(told[0], 'join');
    assert.ok(!stdout.includes(other.person) && !stdout.includes('"S-3"'), stdout);
    assert.ok(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}hall #\d+/.test(stdout));
  }
  const log = path.join(world.folder, 'server.log');
  fs.writeFileSync(log, world.child.output);
  const { stdout } = world.run('story', TRACE, '--sale', 'hall', '--log', log);
  for (const line of [/says hold/, /is told held/, /says checkout/, /is told pay/, /is told bought/]) assert.match(stdout, line);
  assert.ok(!stdout.includes(other.person));
  for (const line of world.child.output.split('\n').filter((one) => one.includes('says'))) assert.equal(JSON.parse(line).trace, TRACE);
  assert.ok(!world.child.output.includes(person.resume), 'what opens doors is not in the log');
  assert.equal(world.run('story', 'g:nobody').status, 1);
  assert.equal((await arrive(world)).person.startsWith('g:'), true);
});

test('a trace that is none is refused', async (t) => {
  const world = await startBoxoffice(t);
  const { Person } = await import('../lib/person.mjs');
  for (const trace of ['', 'x', '4F1C0A9BE2D37715', '0000000000000000', 17, `${TRACE}0`]) {
    const person = await new Person(world).connect();
    assert.equal((await person.ask({ type: 'join', sale: 'hall', trace }, 'error')).code, 'bad_message', String(trace));
    await person.close();
  }
});
