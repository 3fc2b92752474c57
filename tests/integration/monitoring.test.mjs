// SPDX-License-Identifier: Apache-2.0
// Metrics as Prometheus wants them; the dashboard and the alerts speak only of metrics there are (rules W1, W2).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { arrive } from '../lib/person.mjs';
import { root, startBoxoffice } from '../lib/servers.mjs';

const folder = path.join(root, 'examples/monitoring');
const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const promtool = (args, input) => spawnSync('promtool', args, { cwd: folder, encoding: 'utf8', input });

test('W1 promtool has nothing to say against the metrics; dashboard and alerts know them', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  const { text } = await world.admin('GET', '/metrics');
  const { status, stdout, stderr } = promtool(['check', 'metrics'], text);
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stdout + stderr, '');
  const names = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));
  assert.ok(names.has('boxoffice_sale_waiting') && names.size > 50);
  for (const file of ['alerts.yml', 'dashboard.json']) {
    const used = new Set(read(file).match(/boxoffice_\w+/g));
    assert.ok(used.size > 10, file);
    for (const name of used) assert.ok(names.has(name), `${file} asks for ${name}`);
  }
  for (const { targets } of JSON.parse(read('dashboard.json')).panels) assert.ok(targets.length > 0);
  assert.match(text, /^boxoffice_redis_wait_seconds_total \d+\.\d{6}$/m);
  assert.ok(Number(/^boxoffice_memory_bytes (\d+)$/m.exec(text)[1]) > 100000);
});

test('W2 the alert rules are right, and ring when they should', () => {
  for (const args of [['check', 'rules', 'alerts.yml'], ['test', 'rules', 'alerts_test.yml']]) {
    const { status, stdout, stderr } = promtool(args);
    assert.equal(status, 0, stdout + stderr);
  }
});
