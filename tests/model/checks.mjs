// SPDX-License-Identifier: Apache-2.0
// What has to hold after each step, and at a quiet moment, when everything is written.
import { difference, viewOfDump, viewOfReference } from './view.mjs';

export class Violation extends Error {}

export const outcomes = {}; // what was compared, and how it ended: so that one sees what a run has met

export function agree(what, real, wanted) {
  const outcome = `${what.split(' ')[0]} ${wanted?.code ?? (typeof wanted === 'string' ? wanted : '')} ${wanted?.state ?? ''}`;
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const found = difference(real, wanted);
  if (found) throw new Violation(`${what}\n${found}`);
}

// Redis holds what the reference says, field by field.
export async function checkSale(m, r, sale) {
  const dump = await r.sales[sale].dump();
  agree(`sale ${sale} in Redis`, viewOfDump(dump), viewOfReference(m.refs[sale]));
  m.history[sale].set(Number(dump.state.seq), m.refs[sale].copy());
  return dump;
}

const STATES_WITH_TICKETS = ['paid', 'part_refunded', 'refunded'];

function tablesOfReference(ref) {
  const orders = Object.entries(ref.s.orders).filter(([, o]) => o.person).sort(([a], [b]) => (a < b ? -1 : 1));
  const tickets = orders.filter(([, o]) => STATES_WITH_TICKETS.includes(o.st)).flatMap(([id, o]) => o.seats.map(([seat, price]) => (
    { seat, order: id, person: ref.s.owners[seat] ?? '', price, tariff: o.r[seat] ?? '', used: Boolean(o.i[seat]) })));
  return {
    orders: orders.map(([id, o]) => ({ id, status: o.st, person: o.person, amount: o.amount, refunded: o.refunded, payment: o.payment || '', currency: o.currency, channel: o.c ?? '' })),
    tickets: tickets.sort((a, b) => a.seat - b.seat),
    refunds: Object.entries(ref.s.orders).flatMap(([id, o]) => Object.entries(o.refunds).map(([refund, r]) => `${id} ${refund} ${r.payment} ${r.amount} ${r.currency ?? o.currency}`)).sort(),
    grants: Object.entries(ref.s.grants).map(([id, g]) => `${id} ${g.person} ${g.item} ${g.count} ${g.number} ${Boolean(g.back)}`).sort(),
    items: ref.s.items.map((item) => `${item.name} ${item.kind} ${item.total}`),
  };
}

function tablesOfReal(t) {
  return {
    orders: t.orders.map((o) => ({ id: o.id, status: o.status, person: o.person, amount: o.amount, refunded: o.refunded, payment: o.payment ?? '', currency: o.currency, channel: o.channel ?? '' })).sort((a, b) => (a.id < b.id ? -1 : 1)),
    tickets: t.tickets.map((x) => ({ seat: x.seat, order: x.order_id, person: x.person, price: x.price, tariff: x.tariff ?? '', used: x.checked_in_at !== null })),
    refunds: t.refunds.map((x) => `${x.order_id} ${x.id} ${x.payment} ${x.amount} ${x.currency}`).sort(),
    grants: t.grants.map((g) => `${g.id} ${g.person} ${g.item} ${g.count} ${g.number} ${g.back}`).sort(),
    items: t.stock.map((item) => `${item.name} ${item.kind} ${item.body.total}`),
  };
}

// As src/edge/refunds.c: what is due is asked for with its key, and marked.
async function makeRefunds(r, tables) {
  for (const row of tables.refunds.filter(({ status }) => status === 'due')) r.service.refund(row.key ?? row.id, row.payment, row.amount);
  await r.world.query(`UPDATE refunds SET status = 'done' WHERE sale = $1 AND status = 'due'`, [tables.id]);
}

// Paid = kept + given back, for each order, at the payment service and in both stores (rule O5).
function checkMoney(m, r, sale, tables) {
  const ref = m.refs[sale], id = r.sales[sale].id;
  const orders = new Set([...Object.keys(ref.s.orders), ...Object.values(r.service.payments).filter((p) => p.sale === id).map((p) => p.order)]);
  for (const order of orders) {
    const o = ref.s.orders[order], { came, back } = r.service.sums(id, order);
    const row = tables.orders.find((one) => one.id === order), rows = tables.refunds.filter((one) => one.order_id === order);
    const kept = o?.payment !== undefined ? o.amount - o.refunded : 0, keptInTable = row?.payment != null ? row.amount - row.refunded : 0;
    const backInTable = rows.reduce((sum, one) => sum + one.amount, 0);
    r.unaccounted += Math.abs(came - kept - back);
    agree(`money of order ${order} of sale ${sale}`, { service: came - back, table: came - backInTable, row: keptInTable }, { service: kept, table: kept, row: kept });
  }
}

// Everything is written, and all stores agree (rules O5, P3, P5, S1, S10).
export async function checkQuiet(m, r, sale, reconcile = true) {
  const ref = m.refs[sale], tables = await r.sales[sale].tables();
  tables.id = r.sales[sale].id;
  if (m.refusing[sale] !== undefined) return; // not everything is in the tables yet
  agree(`dead letters of sale ${sale}`, tables.dead_letters.map((d) => `${d.seq} ${d.kind} ${d.reason} ${d.body}`), []);
  agree(`tables of sale ${sale}`, tablesOfReal(tables), tablesOfReference(ref));
  await makeRefunds(r, tables);
  checkMoney(m, r, sale, tables);
  if (!reconcile) return;
  const { err, differences } = await r.world.driver.ask('reconcile', r.sales[sale].id);
  agree(`reconcile of sale ${sale}`, { err, differences }, { err: 'ok', differences: [] });
}
