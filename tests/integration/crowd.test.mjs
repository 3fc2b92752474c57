// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { root, startBoxoffice } from '../lib/servers.mjs';

const crowd = process.env.CROWD_BINARY ?? path.join(root, 'build/bench/crowd');

test('T3 a crowd of 300 for 60 seats: every rule holds, seen from the outside', async (t) => {
  const world = await startBoxoffice(t, { seats: 60, payments: ['--auto', '0.9', '--delay', '20-300', '--twice', '0.2', '--confuse', '0.1'],
    settings: { rate_count: 15, rate_ms: 500, capacity: 60, choose_ms: 20000, pay_ms: 10000, grace_ms: 3000 } });
  const { status, stdout, stderr } = spawnSync(crowd, ['--people', 300, '--port', world.port, '--sale', 'hall', '--postgres', world.postgres.conninfo,
    '--supervisor', world.child.pid, '--limit', 90, '--think', '0.3'].map(String), { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  const result = JSON.parse(stdout.trim().split('\n').at(-1));
  assert.equal(result.joined, 300);
  assert.equal(result.tickets_told, result.tickets_kept);
  assert.equal(result.tickets_kept, 60);
  assert.equal(result.violations, 0);
  assert.ok(result.gateway_bytes_per_connection > 0);
});
