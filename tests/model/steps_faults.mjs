// SPDX-License-Identifier: Apache-2.0
// What breaks, and comes back: commands of the model (steps.mjs). A Redis that is started or promoted anew is another epoch (rule P7): it goes on
// from what it has, or, where PostgreSQL has more, from the ledger. What was decided later is lost, and nobody was told that it is kept; whoever
// is connected is found again, and the payment service tells again what nobody has confirmed.
import { Violation, agree, checkSale } from './checks.mjs';
import { open } from './open.mjs';
import { laneOf, LANE } from './reference.mjs';
import { quiet, tellPaid } from './steps.mjs';
import { until } from '../lib/servers.mjs';

const TABLES = ['ledger', 'log_position', 'epochs', 'orders', 'tickets', 'void_tickets', 'refunds', 'grants', 'stock', 'dead_letters'];

// Everything of the sale as the reference had it when its log was this long.
function stateAt(m, sale, seq) {
  const known = [...m.history[sale].keys()].filter((one) => one <= seq);
  if (!known.length) throw new Violation(`sale ${sale}: there is no moment before record ${seq}`);
  return m.history[sale].get(Math.max(...known));
}

// Whoever is connected says the number that he was told.
async function comeBack(m, r, sale) {
  const ref = m.refs[sale], told = Object.entries(m.told[sale]);
  if (!told.length) return;
  const answer = await r.sales[sale].run('line_return', ...told.flat());
  agree(`coming back to sale ${sale}`, answer[0], 'ok');
  for (const [name, number] of told) ref.comeBack(name, number);
}

const EPOCH_GAP = 2 ** 18; // lua/lib/epoch.lua

function checkNumbers(m, sale) {
  const ref = m.refs[sale];
  for (const number of Object.values(m.told[sale])) {
    const lane = laneOf(number), place = number + lane * LANE;
    if (open.epochLost && place > EPOCH_GAP) continue;
    if (place > (ref.s.next[lane] ?? 0)) throw new Violation(`sale ${sale}: number ${number} was told, and would be given again`);
  }
}

async function tellAgain(m, r) {
  for (const hook of m.webhooks.splice(0)) await tellPaid(m, r, { sale: hook.sale }, hook.order, hook.payment, hook.told);
}

// Gateways and the scribe find another Redis. states: what the reference was when this one was last told of anything.
async function recover(m, r, states = []) {
  const moments = await Promise.all(r.sales.map((real) => real.moment()));
  await r.world.driver.ask('redis', r.world.redises[r.world.at].address);
  await r.world.driver.ask('drop');
  for (const sale of m.refs.keys()) {
    const { written, inRedis, restores } = moments[sale], base = restores ? written : inRedis, ref = m.refs[sale];
    ref.goBackTo((!restores && states[sale]) || stateAt(m, sale, base));
    Object.assign(ref.s, { status: r.sales[sale].status, settings: { ...r.sales[sale].fields } }); // these are PostgreSQL's
    for (const seq of m.history[sale].keys()) if (seq > base) m.history[sale].delete(seq);
    let said;
    await until('the sale is there again', async () => {
      said = [await r.world.driver.ask('scribe'), await r.sales[sale].load()];
      return said[0].err === 'ok' && said[1][0] === 'ok';
    }, 4000).catch(() => { throw new Violation(`sale ${sale} does not come back: ${JSON.stringify(said)}`); });
    const dump = await r.sales[sale].dump();
    ref.adopt(dump, restores ? ({ code, unlogged }) => code === 'ok' && !unlogged : () => true);
    if (base > 0) checkNumbers(m, sale); // a sale of which nothing was kept begins anew
    await comeBack(m, r, sale);
    ref.adopt(await r.sales[sale].dump());
    await checkSale(m, r, sale);
  }
  m.codes = {};
  r.backup = undefined; // what it lacks is in no log any more
  await tellAgain(m, r);
  for (const sale of m.refs.keys()) await checkSale(m, r, sale);
}

export const faultSteps = {
  // The replica has what the primary has now, and falls behind from here on.
  lag: {
    run: async (m, r) => {
      r.lagging = await Promise.all(r.sales.map(async (real, i) => ({ keys: await real.copyKeys(), ...(await real.moment()), state: m.refs[i].copy() })));
    },
  },
  // The replica is promoted, as it is; what it did not hear of is lost, whether PostgreSQL has it or not.
  failover: {
    when: (m) => m.lagging !== undefined,
    run: async (m, r, d) => {
      const other = 1 - r.world.at;
      if (d.whole || !r.lagging) await faultSteps.lag.run(m, r);
      for (const [i, real] of r.sales.entries()) await real.pasteKeys(other, r.lagging[i].keys);
      const states = r.lagging.map(({ state }) => state);
      await r.world.promote(other);
      r.lagging = undefined;
      if (d.stale) await staleScribe(m, r);
      await recover(m, r, states);
    },
  },
  // Redis is started anew, with all it had.
  restart: {
    run: async (m, r) => {
      await r.world.promote(r.world.at);
      await recover(m, r);
    },
  },
  // Redis has nothing any more.
  lose: {
    run: async (m, r) => {
      for (const real of r.sales) await real.unlink();
      await r.world.promote(r.world.at);
      await recover(m, r);
    },
  },
  // Records of a kind are put aside for a while, then written late (rule P3).
  refuse: {
    run: async (m, r, d) => {
      m.refusing[d.sale] = d.kind;
      await r.world.query('INSERT INTO model_refuses VALUES ($1, $2) ON CONFLICT DO NOTHING', [r.sales[d.sale].id, d.kind]);
    },
  },
  replay: {
    when: (m, d) => m.refusing[d.sale] !== undefined,
    run: async (m, r, d) => {
      await quiet(m, r);
      await r.world.query('DELETE FROM model_refuses WHERE sale = $1', [r.sales[d.sale].id]);
      m.refusing[d.sale] = undefined;
      const { err, left } = await r.world.driver.ask('replay', r.sales[d.sale].id);
      agree('replay', { err, left }, { err: 'ok', left: [] });
      await quiet(m, r);
    },
  },
  // A webhook is deleted while a batch is written: what it was to be told cannot be noted.
  hook: {
    run: async (m, r, d) => {
      await r.world.query('INSERT INTO model_refuses VALUES ($1, $2) ON CONFLICT DO NOTHING', [r.sales[d.sale].id, 'hook']);
    },
  },
  // PostgreSQL had all this, and comes back without what was committed later.
  backup: {
    run: async (m, r) => {
      await quiet(m, r);
      r.backup = await Promise.all(r.sales.map((real) => real.copyRows(TABLES)));
    },
  },
  loseCommits: {
    when: (m) => m.lagging !== undefined,
    run: async (m, r) => {
      if (!r.backup) return;
      for (const [i, real] of r.sales.entries()) await real.pasteRows(r.backup[i]);
      r.backup = undefined;
      await recover(m, r);
      await quiet(m, r);
    },
  },
  // Somebody has changed a table by hand: the reconciler sees it.
  tamper: {
    run: async (m, r, d) => {
      await quiet(m, r);
      const { id } = r.sales[d.sale], changes = { refunds: 'amount = amount + 1', void_tickets: "person = 'nobody'", grants: 'count = count + 1', stock: `body = body || '{"total": 77}'`, orders: 'amount = amount + 1', tickets: "person = 'nobody'" };
      await r.world.query('BEGIN');
      const changed = await r.world.query(`UPDATE ${d.table} SET ${changes[d.table]} WHERE sale = $1 AND ctid = (SELECT ctid FROM ${d.table} WHERE sale = $1 LIMIT 1) RETURNING 1`, [id]);
      if (!changed.length) return void await r.world.query('ROLLBACK');
      const before = await r.sales[d.sale].copyRows([d.table], r.world.reader);
      await r.world.query('COMMIT');
      const { differences } = await r.world.driver.ask('reconcile', id);
      await r.sales[d.sale].pasteRows(before);
      if (!differences.length) throw new Violation(`reconcile sees nothing of a change in ${d.table}`);
    },
  },
};

// A scribe that still talks to the server that was the primary: nothing of what it carries may get into the new epoch (rule P7).
async function staleScribe(m, r) {
  for (const real of r.sales) await real.fence();
  const written = async () => (await Promise.all(r.sales.map((real) => real.moment()))).map((moment) => moment.written);
  const before = await written();
  await r.world.driver.ask('scribe');
  agree('position after a stale scribe', await written(), before);
}
