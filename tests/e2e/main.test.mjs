// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

test('a person walks in by WebSocket and walks out with a ticket that PostgreSQL has', async (t) => {
  const world = await startBoxoffice(t);
  const person = await new Person(world).connect();
  const bought = await person.buy('S-1', 'S-60');
  assert.equal(bought.type, 'bought');
  assert.deepEqual(bought.tickets.map((ticket) => [ticket.seat, ticket.category, ticket.price]), [['S-1', 'Front', 5000], ['S-60', 'Back', 3000]]);
  const rows = await world.postgres.query('SELECT seat, person, price::int FROM tickets ORDER BY seat');
  assert.deepEqual(rows, [{ seat: 0, person: person.person, price: 5000 }, { seat: 59, person: person.person, price: 3000 }]);
  const look = await fetch(`${world.url}/api/sales/hall/tickets`, { headers: { authorization: `Bearer ${person.resume}` } });
  assert.deepEqual((await look.json()).tickets.map((ticket) => ticket.code), bought.tickets.map((ticket) => ticket.code));
  const check = await world.admin('POST', '/api/tickets/check', { code: bought.tickets[0].code });
  assert.equal(check.json.valid, true);
  const forged = await world.admin('POST', '/api/tickets/check', { code: bought.tickets[0].code.slice(0, -3) + 'abc' });
  assert.equal(forged.json.error.code, 'token_forged');
});
