// SPDX-License-Identifier: Apache-2.0
// The commands of the model: each is plain data, {do: name, …}, so that a sequence can be kept as a list. A step picks whom it is about among
// those it can be about, so that few steps are spent on being refused; "rude" ones pick anybody.
import { agree, checkQuiet, checkSale } from './checks.mjs';
import { until } from '../lib/servers.mjs';

export const PEOPLE = ['g:0', 'g:1', 'g:2', 'g:3', 'g:4'];
export const SEATS = 8;
export const priceOf = (seat) => 1000 + seat * 100;
const numbers = (list) => (Array.isArray(list) ? list.map(Number) : []);

export const pick = (list, k) => list[k % list.length];
const staged = (ref, ...stages) => Object.keys(ref.s.people).sort().filter((name) => stages.includes(ref.person(name).st) && ref.s.line[name] === undefined);
const inLine = (ref) => Object.keys(ref.s.line).sort();
export const ordersOf = (ref, ...states) => Object.keys(ref.s.orders).filter((id) => states.length === 0 || states.includes(ref.s.orders[id].st));

// Who a step is about: one of these stages, or anybody who is known if it is rude.
export function who(m, d, ...stages) {
  const ref = m.refs[d.sale], all = d.rude ? PEOPLE : staged(ref, ...stages);
  return all.length ? pick(all, d.k) : undefined;
}
export const numberOf = (m, d, name) => (d.rude && d.k % 3 === 0 ? 999 : m.refs[d.sale].person(name)?.n ?? 7);
export const orderId = (n) => `o:${n}`; // the same ids in both sales

const asAnswer = ([code, at, given]) => (code === 'ok' || given !== undefined ? { code, list: numbers(given), deadline: code === 'ok' ? at : undefined } : { code, left: at });

// An answer of a command inside, as the reference gives it.
export function agreeInside(m, d, name, real, wanted) {
  if (wanted.again) return agree(`${d.do} of ${name}, again`, real[0], wanted.code);
  const said = asAnswer(real), p = m.refs[d.sale].person(name);
  const expected = { code: wanted.code, list: wanted.list ? [...wanted.list] : undefined, deadline: wanted.code === 'ok' ? p.d : undefined, left: wanted.left };
  if (expected.list && wanted.code !== 'ok') { // which seats are in the way, in any order
    said.list?.sort((a, b) => a - b);
    expected.list.sort((a, b) => a - b);
  }
  agree(`${d.do} of ${name}`, { code: said.code, list: said.list, deadline: said.deadline, left: said.left }, expected);
}

const holdWords = (seats, reduced) => ['hold', 0, seats.length * 2, reduced.length * 4, ...seats.flat(), ...reduced.flat()];

export async function send(m, r, d, name, command) {
  const ref = m.refs[d.sale], real = r.sales[d.sale], { number, key } = command;
  if (command.what === 'hold') {
    const wanted = ref.hold(name, number, key, command.seats, command.reduced);
    agreeInside(m, d, name, (await real.run('seats_choose', name, number, key, ...holdWords(command.seats, command.reduced)))[1], wanted);
  } else if (command.what === 'release') {
    const wanted = ref.release(name, number, key, command.seats);
    agreeInside(m, d, name, (await real.run('seats_choose', name, number, key, 'release', 0, command.seats.length, 0, ...command.seats))[1], wanted);
  } else if (command.what === 'extend') {
    const wanted = ref.extend(name, number, key);
    agreeInside(m, d, name, await real.run('line_extend', name, number, key), wanted);
  } else if (command.what === 'best') {
    const wanted = ref.best(name, number, key, command.wish, command.count, command.proposals);
    agreeInside(m, d, name, await real.run('seats_best', name, number, key, command.wish, command.count, ...command.proposals.flatMap((p) => [0, SEATS / 2 - 1, ...p.flat()])), wanted);
  } else {
    await command.send(ref, real, name, command);
  }
}

// As a gateway makes it of a key and of what is asked for (src/edge/command_token.h).
const tokenOf = (n) => `${String(n).padStart(6, 'k')}.${String(n % 1000).padStart(3, 'r')}`;

export async function sendNew(m, r, d, name, command) {
  const made = { number: numberOf(m, d, name), key: tokenOf(++m.keys), ...command };
  await send(m, r, d, name, made);
  if (m.refs[d.sale].person(name)?.keys[made.key]?.answer.code === 'ok') m.sent.push({ sale: d.sale, name, command: made });
}

export const steps = {
  join: {
    run: async (m, r, d) => {
      const name = pick(PEOPLE, d.k), wanted = m.refs[d.sale].join(name, d.flag, d.lane ? { lane: d.lane, id: d.invitation } : undefined);
      const answer = await r.sales[d.sale].run('line_join', d.flag, 1, name, ...(d.lane ? [1, d.lane, d.invitation] : []));
      const found = Array.isArray(answer[7]) ? answer[7].slice(0, 4) : [answer[7], 'wait', 0, ''];
      agree(`join of ${name}`, { code: answer[0], found }, { code: 'ok', found: wanted });
      if (wanted[0] !== 0) m.told[d.sale][name] = wanted[0];
    },
  },
  leave: {
    run: async (m, r, d) => {
      const name = pick(PEOPLE, d.k);
      delete m.told[d.sale][name];
      agree(`leave of ${name}`, (await r.sales[d.sale].run('line_leave', name))[0], m.refs[d.sale].leave(name));
    },
  },
  drop: {
    when: (m, d) => inLine(m.refs[d.sale]).length > 0,
    run: async (m, r, d) => {
      const name = pick(inLine(m.refs[d.sale]), d.k);
      delete m.told[d.sale][name];
      agree(`drop of ${name}`, (await r.sales[d.sale].run('line_drop', name))[0], m.refs[d.sale].drop(name));
    },
  },
  find: {
    run: async (m, r, d) => {
      const name = pick(PEOPLE, d.k), wanted = m.refs[d.sale].find(name);
      agree(`find of ${name}`, (await r.sales[d.sale].run('line_find', name))[2].slice(0, 4), wanted);
    },
  },
  enter: {
    when: (m, d) => who(m, d, 'claim') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'claim'), number = numberOf(m, d, name), wanted = m.refs[d.sale].enter(name, number);
      const [code, , stage, deadline, order, held] = await r.sales[d.sale].run('line_enter', name, number);
      agree(`enter of ${name}`, code === 'ok' ? { code, stage, deadline, order, held: numbers(held) } : { code }, code === 'ok' && wanted.held ? { ...wanted, held: wanted.held.flat() } : wanted);
    },
  },
  hold: {
    when: (m, d) => who(m, d, 'choose') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'choose'), { tariff } = d;
      const price = (seat, i) => (tariff && i === 0 ? { child: priceOf(seat) / 2, baby: 0 }[tariff] : priceOf(seat));
      const seats = d.seats.map((seat, i) => [seat, d.allFree ? 0 : price(seat, i)]);
      await sendNew(m, r, d, name, { what: 'hold', seats, reduced: tariff ? [[d.seats[0], tariff, 1, 3]] : [] });
    },
  },
  best: {
    when: (m, d) => who(m, d, 'choose') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'choose');
      const proposals = d.starts.map((from) => Array.from({ length: d.count }, (_, i) => [from + i, priceOf(from + i)])).filter((p) => p.at(-1)[0] < SEATS);
      await sendNew(m, r, d, name, { what: 'best', wish: `${d.count} ${d.starts}`, count: d.count, proposals });
    },
  },
  release: {
    when: (m, d) => who(m, d, 'choose') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'choose'), held = (m.refs[d.sale].person(name)?.h ?? []).map(([seat]) => seat);
      const seats = d.rude ? [d.k % SEATS] : held.filter((_, i) => (d.mask >> i) & 1);
      if (seats.length) await sendNew(m, r, d, name, { what: 'release', seats });
    },
  },
  extend: {
    when: (m, d) => who(m, d, 'choose') !== undefined,
    run: (m, r, d) => sendNew(m, r, d, who(m, d, 'choose'), { what: 'extend' }),
  },
  // The same command again, as after a reconnect: the same answer, whatever happened since.
  again: {
    when: (m, d) => m.sent.length > 0,
    run: async (m, r, d) => {
      const { sale, name, command } = m.sent.at(-1 - (d.k % Math.min(12, m.sent.length)));
      await send(m, r, { ...d, sale }, name, command);
      await checkSale(m, r, sale);
    },
  },
  checkout: {
    when: (m, d) => who(m, d, 'choose', 'pay') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'choose', 'pay'), number = numberOf(m, d, name), fresh = orderId(++m.ids), named = d.named ? orderNamed(m, d) : '';
      const wanted = m.refs[d.sale].checkout(name, number, fresh, named);
      const [code, , order, amount, deadline] = await r.sales[d.sale].run('order_checkout', name, number, fresh, named);
      agree(`checkout of ${name}`, code === 'ok' ? { code, order, amount, deadline: wanted.paid ? undefined : deadline } : { code },
        code === 'ok' ? { code: wanted.code, order: wanted.order, amount: wanted.amount, deadline: wanted.deadline } : { code: wanted.code });
    },
  },
  pay: {
    when: (m, d) => ordersOf(m.refs[d.sale], ...(d.late ? [] : ['paying'])).length > 0,
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], order = pick(ordersOf(ref, ...(d.late ? [] : ['paying'])), d.k), { id } = r.sales[d.sale];
      const old = Object.entries(r.service.payments).filter(([, p]) => p.sale === id && p.order === order);
      const [payment, told] = d.twice && old.length ? pick(old, d.k) : [paymentId(m, r), { amount: ref.s.orders[order].amount + (d.wrong === 'sum' ? 1 : 0), currency: d.wrong === 'currency' ? 'CHF' : ref.s.orders[order].currency ?? 'EUR' }];
      if (told.amount === 0) return;
      await tellPaid(m, r, d, order, payment, told);
    },
  },
  payUnknown: {
    run: (m, r, d) => tellPaid(m, r, d, orderId(`lost${d.k % 3}`), paymentId(m, r), { amount: 1234, currency: 'EUR' }),
  },
  decline: {
    when: (m, d) => ordersOf(m.refs[d.sale]).length > 0,
    run: async (m, r, d) => {
      const order = pick(ordersOf(m.refs[d.sale], ...(d.late ? [] : ['paying'])), d.k);
      if (!order) return;
      const wanted = m.refs[d.sale].decline(order);
      const [code, state] = await r.sales[d.sale].run('order_pay', order, paymentId(m, r), 'declined', 0, 'EUR');
      agree(`decline of ${order}`, { code, state }, { code: wanted.code, state: wanted.state });
    },
  },
  refund: {
    when: (m, d) => ordersOf(m.refs[d.sale], ...(d.rude ? [] : ['paid', 'part_refunded'])).length > 0,
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], order = pick(ordersOf(ref, ...(d.rude ? [] : ['paid', 'part_refunded'])), d.k), o = ref.s.orders[order];
      let seats = o.seats.map(([seat]) => seat).filter((_, i) => (d.mask >> i) & 1);
      if (seats.length === 0 && d.amount === 'prices') seats = o.seats.map(([seat]) => seat);
      const left = o.amount - o.refunded;
      const amount = { prices: undefined, half: Math.floor(left / 2), whole: left, toomuch: left + 1, none: 0 }[d.amount];
      if (seats.length === 0 && amount === undefined) return;
      const id = refundId(m, r, d, order, o);
      const wanted = ref.refund(order, id, amount, d.become, seats, d.force);
      const [code, state, given] = await r.sales[d.sale].run('order_refund', order, id, amount ?? '-', d.become, 'model', 'why not', d.force ? 'force' : '', ...seats);
      const said = code === 'ok' ? { code, state, amount: given } : { code, left: code === 'refund_too_much' ? state : undefined };
      agree(`refund ${id} of ${order}`, said, { ...wanted, left: wanted.left });
    },
  },
  transfer: {
    when: (m, d) => m.refs[d.sale].soldOrders().some((o) => o.seats.length > 0),
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], ticket = await ticketOf(m, r, d), from = d.rude ? pick(PEOPLE, d.k) : ref.s.owners[ticket.seat], to = pick(PEOPLE, d.to);
      const wanted = ref.transfer(ticket.order, ticket.seat, ticket.generation, from, to);
      agree(`transfer of ${ticket.seat}`, (await r.sales[d.sale].run('ticket_transfer', ticket.seat, ticket.order, ticket.serial, from, to))[0], wanted.code);
    },
  },
  checkIn: {
    when: (m, d) => m.refs[d.sale].soldOrders().some((o) => o.seats.length > 0),
    run: async (m, r, d) => {
      const ticket = await ticketOf(m, r, d), wanted = m.refs[d.sale].checkIn(ticket.order, ticket.seat, ticket.generation, d.way, 'door');
      agree(`check-in of ${ticket.seat}`, (await r.sales[d.sale].run('ticket_check_in', ticket.seat, ticket.order, ticket.serial, d.way, 0, 'door'))[0], wanted.code);
    },
  },
  block: {
    run: async (m, r, d) => {
      const wanted = m.refs[d.sale].block(d.seats), [code] = await r.sales[d.sale].run('seats_block', 'block', 'model', 'why', ...d.seats);
      agree(`block of ${d.seats}`, code, wanted.code);
    },
  },
  unblock: {
    when: (m, d) => m.refs[d.sale].blocked() > 0,
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], kept = Object.keys(ref.s.owners).filter((seat) => ref.s.owners[seat] === '-').map(Number), seats = d.rude ? d.seats : kept.filter((_, i) => (d.mask >> i) & 1);
      if (!seats.length) return;
      const wanted = ref.unblock(seats), [code] = await r.sales[d.sale].run('seats_block', 'unblock', 'model', 'why', ...seats);
      agree(`unblock of ${seats}`, code, wanted.code);
    },
  },
  pass: {
    run: async (m, r, d) => {
      r.world.setClock(r.world.clock.ms + d.ms);
      for (const sale of m.refs.keys()) {
        m.refs[sale].tick();
        await r.sales[sale].run('line_tick', 100, '');
        await checkSale(m, r, sale);
      }
    },
  },
  // The whole way in, and the whole way to a ticket: what most people do.
  come: {
    run: async (m, r, d) => {
      const name = pick(PEOPLE, d.k), ref = m.refs[d.sale];
      if (!ref.person(name) || !ref.isInside(ref.person(name))) await steps.join.run(m, r, { ...d, flag: '1' });
      await steps.pass.run(m, r, { ...d, ms: 20 });
      const claiming = staged(ref, 'claim').indexOf(name);
      if (claiming >= 0) await steps.enter.run(m, r, { ...d, k: claiming });
    },
  },
  buy: {
    run: async (m, r, d) => {
      const name = pick(PEOPLE, d.k), ref = m.refs[d.sale], stage = () => ref.person(name)?.st;
      if (stage() !== 'choose' && stage() !== 'pay') await steps.come.run(m, r, d);
      const at = (...stages) => staged(ref, ...stages).indexOf(name);
      if (stage() === 'choose') await steps.hold.run(m, r, { ...d, k: at('choose') });
      if (stage() === 'choose') await steps.checkout.run(m, r, { ...d, k: at('choose', 'pay') });
      const o = ref.person(name)?.st === 'pay' && ref.s.orders[ref.person(name).o];
      if (o) await tellPaid(m, r, d, ref.person(name).o, paymentId(m, r), { amount: o.amount, currency: o.currency });
    },
  },
  quiet: { run: quiet },
};

// An order as a browser might name it: one of these two sales, or one that nobody knows.
function orderNamed(m, d) {
  const known = m.refs.flatMap((ref) => Object.keys(ref.s.orders));
  return d.k % 4 === 0 || !known.length ? 'o:made-up' : pick(known, d.k);
}

// Also one that this or another order has had, and one that is a payment's.
function refundId(m, r, d, order, o) {
  const told = Object.entries(r.service.payments).filter(([payment, p]) => p.sale === r.sales[d.sale].id && p.order === order && payment !== o.payment);
  return { fresh: `r:${++m.ids}`, same: 'r:1', payment: o.payment || 'r:1', vain: told[0]?.[0] ?? 'r:2' }[d.id];
}

// A ticket as its code says it; an old one, if there is any and the step asks for it, is void.
async function ticketOf(m, r, d) {
  const ref = m.refs[d.sale], all = ref.soldOrders().flatMap((o) => o.seats.map(([seat]) => [o, seat]));
  const [o, seat] = pick(all, d.k), order = Object.keys(ref.s.orders).find((id) => ref.s.orders[id] === o), real = (await r.sales[d.sale].dump()).orders[order];
  const ticket = { order, seat, generation: o.s[seat] ?? 0, serial: real.s?.[seat] ?? real.seq };
  const codes = (m.codes[d.sale] ??= []), old = codes.filter((code) => code.order === order && code.seat === seat && code.serial !== ticket.serial);
  if (d.old && old.length) return old[0];
  codes.push(ticket);
  return ticket;
}

// The payment service has the money, and says so.
export async function tellPaid(m, r, d, order, payment, { amount, currency }) {
  r.service.pay(payment, r.sales[d.sale].id, order, amount, currency);
  const wanted = m.refs[d.sale].pay(order, payment, amount, currency);
  const [code, state] = await r.sales[d.sale].run('order_pay', order, payment, 'paid', amount, currency);
  agree(`payment ${payment} of ${order}`, { code, state }, wanted);
  m.webhooks.push({ sale: d.sale, order, payment, told: { amount, currency } }); // confirmed once it is written
}

export async function quiet(m, r) {
  await write(m, r);
  for (const sale of m.refs.keys()) await checkQuiet(m, r, sale);
}

// The scribe writes all there is. One whose connection has just ended may still count as one that shares the sales, for a moment.
async function write(m, r) {
  await until('everything is written', async () => {
    agree('scribe', (await r.world.driver.ask('scribe')).err, 'ok');
    const behind = await Promise.all(r.sales.map((sale) => sale.behind()));
    return behind.every((records) => records === 0);
  });
  m.webhooks.length = 0;
}

// A payment service gives an id once.
const paymentId = (m, r) => `p:${r.world.sequence}:${++m.ids}`;
