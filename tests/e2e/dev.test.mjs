// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Person } from '../lib/person.mjs';
import { binary, freePort, start, temporaryFolder, until } from '../lib/servers.mjs';

async function startDev(t, data, port, adminPort) {
  const child = start(t, binary, ['dev', '--data', data, '--port', port, '--admin-port', adminPort].map(String));
  await until('dev', () => {
    if (child.exitCode !== null) throw new Error(child.output);
    return child.output.includes('Ctrl-C stops everything');
  }, 40000);
  return child;
}

const descendants = (pid) => execSync(`pgrep -P ${pid} || true`).toString().trim().split('\n').filter(Boolean).flatMap((child) => [child, ...descendants(child)]);

test('boxoffice dev brings its own Redis and PostgreSQL, an example hall, keeps all between starts, and leaves nothing running', async (t) => {
  const data = path.join(temporaryFolder(t), 'data'), port = await freePort(), adminPort = await freePort();
  let child = await startDev(t, data, port, adminPort);
  const world = { ws: `ws://127.0.0.1:${port}/ws`, url: `http://127.0.0.1:${port}` };
  const plan = await until('the plan', () => fetch(`${world.url}/api/sales/demo/plan`).then((r) => r.ok && r.json(), () => false));
  assert.ok(plan.seats.length >= 2000);
  assert.ok(plan.categories.length >= 3 && plan.categories.every((c) => c.price > 0));
  const person = await new Person(world).connect();
  const { resume, number } = await until('joined', async () => {
    const answer = await person.ask({ type: 'join', sale: 'demo' }, 'joined', 'error');
    return answer.type === 'joined' && answer;
  });
  await person.enter();
  await person.hold('P-1-1');
  const children = descendants(child.pid);
  assert.ok(children.length >= 5);
  assert.equal((await child.stop('SIGINT')).code, 0);
  for (const pid of children) assert.equal(fs.existsSync(`/proc/${pid}`), false, 'left running');
  child = await startDev(t, data, port, adminPort);
  const again = await new Person(world).connect();
  const back = await until('back', async () => {
    const answer = await again.ask({ type: 'join', sale: 'demo', resume }, 'joined', 'error');
    return answer.type === 'joined' && answer;
  });
  assert.equal(back.number, number);
  assert.deepEqual((await again.enter()).seats, ['P-1-1']);
  assert.equal((await child.stop('SIGTERM')).code, 0);
});

test('boxoffice dev says what is wrong with its arguments', async (t) => {
  for (const [args, says] of [[['--port', '0'], /listen_port = "0": allowed/], [['--data', '/dev/null/x'], /cannot be made/], [['--what'], /usage/]]) {
    const child = start(t, binary, ['dev', ...(args.includes('--data') ? [] : ['--data', temporaryFolder(t)]), ...args]);
    const { code } = await child.ended;
    assert.notEqual(code, 0);
    assert.match(child.output, says);
  }
});
