// SPDX-License-Identifier: Apache-2.0
// A database of version 0.1.0 with sales in it is taken over by this version.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root, startPostgres, temporaryFolder } from '../lib/servers.mjs';

const OLD = ['0001_start', '0002_line', '0003_tickets', '0004_stock', '0005_accounts', '0006_hooks', '0007_faults', '0008_panel'];
const folder = path.join(root, 'src/postgres/migrations');
const sql = (name) => fs.readFileSync(path.join(folder, `${name}.sql`), 'utf8');

async function oldDatabase(postgres) {
  await postgres.query('CREATE TABLE migrations(name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())');
  for (const name of OLD) await postgres.query(`BEGIN; ${sql(name)}; INSERT INTO migrations(name) VALUES ('${name}'); COMMIT`);
  const plan = { zones: [{ name: 'Floor', rows: [{ row_number: '1', seats: [1, 2, 3].map((n) => ({ seat_guid: `S-${n}`, seat_number: `${n}`, category: 'Front' })) }] }] };
  for (const sale of ['one', 'two'])
    await postgres.query("INSERT INTO sales (id, name, status, settings, plan) VALUES ($1, $1, 'closed', '{\"currency\":\"EUR\"}', $2)", [sale, JSON.stringify(plan)]);
  const record = (sale, seq, kind, body) => postgres.query('INSERT INTO ledger (sale, seq, at_ms, kind, body) VALUES ($1, $2, 1000, $3, $4)', [sale, seq, kind, JSON.stringify(body)]);
  await record('one', 1, 'paid', { order: 'o:1', person: 'g:1', payment: 'p:1', seats: [0, 500, 1, 500], amount: 1000 });
  await record('one', 2, 'refund', { order: 'o:1', refund: 'r:1', payment: 'p:1', amount: 500, currency: 'EUR', status: 'part_refunded', seats: [1, 500], why: 'ill' });
  await record('one', 3, 'refund_due', { order: 'o:2', person: 'g:2', payment: 'p:2', amount: 700, currency: 'EUR', reason: 'paid after the order was expired' });
  await postgres.query("INSERT INTO orders (id, sale, person, status, amount, refunded, currency, payment, seq) VALUES ('o:1', 'one', 'g:1', 'part_refunded', 1000, 500, 'EUR', 'p:1', 2),"
    + " ('o:2', 'one', 'g:2', 'expired', 700, 0, 'EUR', NULL, 3)");
  await postgres.query("INSERT INTO tickets (sale, seat, order_id, person, price, seq, serial, checked_in_at, checked_in_by) VALUES ('one', 0, 'o:1', 'g:1', 500, 1, 1, now(), 'door'),"
    + " ('two', 2, 'o:1', 'g:9', 300, 4, 4, NULL, NULL)"); // its order is another sale's
  await postgres.query("INSERT INTO void_tickets (sale, seat, order_id, person, price, seq) VALUES ('one', 1, 'o:1', 'g:1', 500, 2)");
  await postgres.query("INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, status, seq) VALUES ('r:1', 'p:1', 'o:1', 'one', 500, 'EUR', 'ill', 'done', 2),"
    + " ('p:2', 'p:2', 'o:2', 'one', 700, 'EUR', 'paid after the order was expired', 'due', 3)");
  await postgres.query("INSERT INTO log_position VALUES ('one', 3)");
}

test('O5 a database of 0.1.0 with refunds, a void ticket and a ticket of a foreign order becomes one of this version', async (t) => {
  const directory = temporaryFolder(t);
  const postgres = await startPostgres(t, directory);
  await oldDatabase(postgres);
  const names = fs.readdirSync(folder).map((name) => path.basename(name, '.sql')).sort().filter((name) => !OLD.includes(name));
  for (const name of names) await postgres.query(`BEGIN; ${sql(name)}; COMMIT`);
  const refunds = await postgres.query('SELECT sale, order_id, id, key, vain, status, problem FROM refunds ORDER BY seq');
  assert.deepEqual(refunds, [{ sale: 'one', order_id: 'o:1', id: 'r:1', key: 'r:1', vain: false, status: 'done', problem: '' },
    { sale: 'one', order_id: 'o:2', id: 'p:2', key: 'p:2', vain: true, status: 'due', problem: '' }]);
  assert.deepEqual(await postgres.query('SELECT sale, id, person, status, amount::int FROM orders ORDER BY sale, id'), [
    { sale: 'one', id: 'o:1', person: 'g:1', status: 'part_refunded', amount: 1000 }, { sale: 'one', id: 'o:2', person: 'g:2', status: 'expired', amount: 700 },
    { sale: 'two', id: 'o:1', person: 'g:9', status: 'paid', amount: 300 }]);
  assert.deepEqual(await postgres.query('SELECT sale, seat, checked_in_by AS by, checked_in_seq AS seq FROM tickets ORDER BY sale'), [
    { sale: 'one', seat: 0, by: 'door', seq: null }, { sale: 'two', seat: 2, by: null, seq: null }]);
  assert.equal((await postgres.query('SELECT count(*)::int AS n FROM void_tickets'))[0].n, 1);
  await postgres.query("INSERT INTO refunds (id, payment, order_id, sale, amount, currency, reason, status, seq, key) VALUES ('r:1', 'p:9', 'o:1', 'two', 5, 'EUR', '', 'refused', 9, 'k')");
  await assert.rejects(postgres.query("INSERT INTO tickets (sale, seat, order_id, person, price, seq) VALUES ('two', 1, 'o:2', 'g:1', 1, 1)"), /tickets_order_fkey/);
  assert.deepEqual(await postgres.query("SELECT json_list('{}') AS a, json_list('[1]') AS b, json_list(NULL) AS c"), [{ a: [], b: [1], c: [] }]);
});
