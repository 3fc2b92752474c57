// SPDX-License-Identifier: Apache-2.0
// A fault in the middle of a sale: the crowd (bench/crowd.c) joins, breaks off, comes back, holds and buys, something happens to the servers, and in the end every
// word that anybody was told is held against PostgreSQL and against Redis (bench/history.py, boxoffice reconcile).
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { atEnd, root, startBoxoffice, until } from './servers.mjs';

const crowdBinary = process.env.CROWD_BINARY ?? path.join(root, 'build/bench/crowd');
const LIMIT = 3;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function startCrowd(t, world, { people, seconds, port, seed = 1, more = [] }) {
  const status = path.join(world.folder, 'status'), history = path.join(world.folder, 'history');
  const child = spawn(crowdBinary, ['--people', people, '--port', port ?? world.port, '--sale', 'hall', '--postgres', world.postgres.conninfo, '--limit', seconds, '--seed', seed,
    '--status', status, '--history', history, ...more].map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (part) => { output += part; });
  child.stderr.resume();
  const ended = new Promise((done) => { child.on('close', done); });
  atEnd(t, () => {
    child.kill('SIGINT');
    return ended;
  });
  return {
    now() {
      const lines = fs.existsSync(status) ? fs.readFileSync(status, 'utf8').trim().split('\n') : [];
      try { return JSON.parse(lines.at(-1)); } catch { return {}; }
    },
    async verdict() {
      await ended;
      assert.match(output, /^\{.*\}$/m, `the crowd says nothing: ${output}`);
      return { ...JSON.parse(output.trim().split('\n').at(-1)), report: output };
    },
  };
}

async function checkHistory(world, slack) {
  const rows = async (name, sql) => {
    const file = path.join(world.folder, name);
    fs.writeFileSync(file, (await world.postgres.query(sql)).map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  };
  const files = [await rows('ledger', "SELECT seq::int, at_ms::float AS at, kind, body FROM ledger WHERE sale = 'hall' ORDER BY seq"),
    await rows('tickets', 'SELECT seat, order_id AS order, person FROM tickets'), await rows('refunds', 'SELECT order_id AS order, payment FROM refunds')];
  const histories = fs.readdirSync(world.folder).filter((name) => name.startsWith('history.')).map((name) => path.join(world.folder, name));
  const { stdout, stderr } = spawnSync('python3', [path.join(root, 'bench/history.py'), '--slack', String(slack), ...files, String(LIMIT), ...histories], { encoding: 'utf8' });
  const last = stdout.trim().split('\n').at(-1);
  assert.ok(last?.startsWith('{'), stderr);
  return { ...JSON.parse(last), said: stdout };
}

export async function isQuiet(world) {
  const state = async () => [...(await world.redis.client.hmget('bo:{hall}:state', 'seq', 'committed')), (await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0]?.seq];
  const before = await state();
  await pause(1000);
  const after = await state();
  return before.every((value, i) => value === after[i] && value === before[0]);
}

// For tests/run.sh faults: one line for each test.
export function report(name, values) {
  const file = process.env.FAULTS_RESULTS;
  if (file) fs.appendFileSync(file, `${JSON.stringify({ name, ...values })}\n`);
}

// disturb(world, crowd) is called while people buy, and returns when all is well again. loses: holds that PostgreSQL did not have yet may be lost.
export async function storm(t, name, { people = 200, seats = 150, seconds = 90, slack = 30, loses = false, settings, crowd: crowdOptions = {}, ...options }, disturb) {
  const world = await startBoxoffice(t, { ...options, reconcile: false, seats, payments: ['--auto', '0.93', '--delay', '50-800', '--twice', '0.1', '--confuse', '0.05', '--late', '0.01', '--late-ms', '2000'],
    settings: { rate_count: 8, rate_ms: 250, capacity: 60, claim_ms: 20000, choose_ms: 20000, pay_ms: 15000, grace_ms: 120000, ...settings } });
  const crowd = startCrowd(t, world, { people, seconds, ...crowdOptions });
  await until('people are buying', () => crowd.now().admitted >= 40, 60000);
  await disturb(world, crowd);
  const seen = await crowd.verdict();
  await until('all is written', () => isQuiet(world).catch(() => false), 60000);
  const history = await checkHistory(world, slack);
  const reconciled = world.run('reconcile');
  const values = {
    told_bought_not_stored: history.bought_not_stored + seen.lost_orders, stored_twice: history.gaps + history.double_tickets + seen.double_tickets,
    seats_with_two_owners: history.oversold + seen.oversold, places_lost: seen.lost_people + seen.places_lost, order_violations: seen.order_violations + seen.position_increases,
    untold: seen.untold_people, unpaid_tickets: history.unpaid_tickets, paid_without_ticket_or_refund: history.paid_without_ticket_or_refund,
    limit_violations: history.limit_violations + seen.limit_violations, holds_lost: history.told_not_stored + history.refused_without_reason,
    differences: reconciled.status === 0 ? 0 : Number(reconciled.stdout.match(/(\d+) differences/)?.[1] ?? 1) };
  report(name, { ...values, bought: seen.bought, joined: seen.joined });
  const must = loses ? Object.fromEntries(Object.entries(values).filter(([key]) => key !== 'holds_lost')) : values;
  assert.deepEqual(must, Object.fromEntries(Object.keys(must).map((key) => [key, 0])), `${seen.report}\n${history.said}\n${reconciled.stdout}${reconciled.stderr}`);
  assert.ok(seen.bought > 0);
  return world;
}
