// SPDX-License-Identifier: Apache-2.0
// Money that goes back: to the right order, as often as it should, and seats that do or do not go with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

test('O5 the same refund id for two orders is two refunds, and both are paid', async (t) => {
  const world = await startBoxoffice(t);
  for (const seat of ['S-1', 'S-2']) {
    const { order } = await (await new Person(world).connect()).buy(seat);
    const answer = await world.admin('POST', '/api/sales/hall/refund', { order, refund: 'r1', seats: [seat] });
    assert.deepEqual([answer.status, answer.json.order], [200, 'refunded']);
  }
  await until('both are made', async () => (await world.postgres.query("SELECT count(*)::int AS n FROM refunds WHERE id = 'r1' AND status = 'done'"))[0].n === 2);
  const { payments, refunded } = await (await fetch(`${world.payments.url}/payments`)).json();
  assert.deepEqual([payments, refunded], [2, 2]);
});
