// SPDX-License-Identifier: Apache-2.0
// The commands of the model: each is plain data, {do: name, …}, so that a sequence can be kept as a list. A step picks whom it is about among
// those it can be about, so that few steps are spent on being refused; "rude" ones pick anybody.
import { agree, checkQuiet, checkSale } from './checks.mjs';
import { until } from '../lib/servers.mjs';

export const PEOPLE = ['g:0', 'g:1', 'g:2', 'g:3', 'g:4'];
const INVITED = PEOPLE.slice(0, 3); // to a lane
export const SEATS = 8;
export const priceOf = (seat) => 1000 + seat * 100;
const STILL_MAX_MS = 9000;
const numbers = (list) => (Array.isArray(list) ? list.map(Number) : []);

export const pick = (list, k) => list[k % list.length];
const staged = (ref, ...stages) => Object.keys(ref.s.people).sort().filter((name) => stages.includes(ref.person(name).st) && ref.s.line[name] === undefined);
const inLine = (ref) => Object.keys(ref.s.line).sort();
export const ordersOf = (ref, ...states) => Object.keys(ref.s.orders).filter((id) => states.length === 0 || states.includes(ref.s.orders[id].st));

// Who a step is about: one of these stages, or anybody who is known if it is rude.
export function who(m, d, ...stages) {
  const ref = m.refs[d.sale], all = d.rude ? PEOPLE : staged(ref, ...stages);
  if (d.name) return d.name; // of a step that has several parts
  return all.length ? pick(all, d.k) : undefined;
}
export const numberOf = (m, d, name) => (d.rude && d.k % 3 === 0 ? 999 : m.refs[d.sale].person(name)?.n ?? 7);
export const orderId = (n) => `o:${n}`; // the same ids in both sales

const asAnswer = ([code, at, given]) => (code === 'ok' || given !== undefined ? { code, list: numbers(given), deadline: code === 'ok' ? at : undefined } : { code, left: at });

// An answer of a command inside, as the reference gives it.
export function agreeInside(m, d, name, real, wanted) {
  m.refs[d.sale].rememberRefusal(wanted);
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
  const made = { number: numberOf(m, d, name), key: tokenOf(++m.keys), ...command }, who = `${d.sale} ${name}`;
  const nth = m.commands[who] = (m.commands[who] ?? 0) + 1;
  await send(m, r, d, name, made);
  if (m.refs[d.sale].person(name)?.keys[made.key]) m.sent.push({ sale: d.sale, name, command: made, nth });
}

// So many commands of each person are known by their keys (docs/protocol.md).
const KEYS_KNOWN = 16;
const known = (m) => m.sent.filter(({ sale, name, nth }) => m.commands[`${sale} ${name}`] - nth < KEYS_KNOWN);

export const steps = {
  join: {
    run: async (m, r, d) => {
      const name = pick(d.lane ? INVITED : PEOPLE, d.k), wanted = m.refs[d.sale].join(name, d.flag, d.lane ? { lane: d.lane, id: d.invitation } : undefined);
      const answer = await r.sales[d.sale].run('line_join', d.flag, 1, name, ...(d.lane ? [1, d.lane, d.invitation] : []));
      const found = Array.isArray(answer[7]) ? answer[7].slice(0, 4) : [answer[7], 'wait', 0, ''];
      agree(`join of ${name}`, { code: answer[0], found }, { code: 'ok', found: wanted });
      if (wanted[1] === 'out') delete m.told[d.sale][name]; // it has ended for him: no gateway asks for him any more
      else if (wanted[0] !== 0) m.told[d.sale][name] = wanted[0];
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
      const { sale, name, command } = pick(known(m).reverse(), d.k);
      await send(m, r, { ...d, sale }, name, command);
      await checkSale(m, r, sale);
    },
  },
  checkout: {
    when: (m, d) => who(m, d, 'choose', 'pay') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'choose', 'pay'), number = numberOf(m, d, name), fresh = orderId(m.orders[d.sale] = (m.orders[d.sale] ?? 0) + 1), named = d.order ?? (d.named ? orderNamed(m, d) : '');
      const wanted = m.refs[d.sale].checkout(name, number, fresh, named);
      const [code, , order, amount, deadline, , paid] = await r.sales[d.sale].run('order_checkout', name, number, fresh, named);
      agree(`checkout of ${name}`, code === 'ok' ? { code, order, amount, deadline: wanted.paid ? undefined : deadline } : { code },
        code === 'ok' ? { code: wanted.code, order: wanted.order, amount: wanted.amount, deadline: wanted.deadline } : { code: wanted.code });
      if (wanted.paid) await agreeLogNumber(r, d, 'checkout', paid);
    },
  },
  pay: {
    when: (m, d) => ordersOf(m.refs[d.sale], ...(d.late ? [] : ['paying'])).length > 0,
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], order = pick(ordersOf(ref, ...(d.late ? [] : ['paying'])), d.k), { id } = r.sales[d.sale];
      const old = Object.entries(r.service.payments).filter(([, p]) => p.sale === id && p.order === order);
      const [payment, told] = d.twice && old.length ? pick(old, d.k) : [paymentId(m, r), { amount: d.wrong === 'nothing' ? 0 : ref.s.orders[order].amount + (d.wrong === 'sum' ? 1 : 0), currency: d.wrong === 'currency' ? 'CHF' : ref.s.orders[order].currency ?? 'EUR' }];
      if (told.amount === 0 && d.wrong !== 'nothing') return;
      await tellPaid(m, r, d, order, payment, told);
    },
  },
  payUnknown: {
    run: (m, r, d) => tellPaid(m, r, d, orderId(`${d.foreign ? 'foreign' : 'lost'}${d.k % 3}`), paymentId(m, r), { amount: 1234, currency: 'EUR', foreign: d.foreign }),
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
      const ref = m.refs[d.sale], order = d.order ?? pick(ordersOf(ref, ...(d.rude ? [] : ['paid', 'part_refunded'])), d.k), o = ref.s.orders[order];
      let seats = o.seats.map(([seat]) => seat).filter((_, i) => (d.mask >> i) & 1);
      if (seats.length === 0 && d.amount === 'prices') seats = o.seats.map(([seat]) => seat);
      const left = o.amount - o.refunded;
      const amount = { prices: undefined, half: Math.floor(left / 2), whole: left, toomuch: left + 1, none: 0 }[d.amount];
      if (seats.length === 0 && amount === undefined) return;
      const id = refundId(m, r, d, order, o);
      const wanted = ref.refund(order, id, amount, d.become, seats, d.force);
      const [code, state, given, seq] = await r.sales[d.sale].run('order_refund', order, id, amount ?? '-', d.become, 'model', 'why not', d.force ? 'force' : '', ...seats);
      const said = code === 'ok' ? { code, state, amount: given } : { code, left: code === 'refund_too_much' ? state : undefined };
      agree(`refund ${id} of ${order}`, said, { ...wanted, left: wanted.left });
      if (code === 'ok') await agreeLogNumber(r, d, 'refund', seq);
    },
  },
  transfer: {
    when: (m, d) => m.refs[d.sale].soldOrders().some((o) => o.seats.length > 0),
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], ticket = await ticketOf(m, r, d), from = d.rude ? pick(PEOPLE, d.k) : ref.s.owners[ticket.seat], to = pick(PEOPLE, d.to);
      const wanted = ref.transfer(ticket.order, ticket.seat, ticket.generation, from, to);
      const [code, seq] = await r.sales[d.sale].run('ticket_transfer', ticket.seat, ticket.order, ticket.serial, from, to);
      agree(`transfer of ${ticket.seat}`, code, wanted.code);
      if (code === 'ok') await agreeLogNumber(r, d, 'transfer', seq);
    },
  },
  checkIn: {
    when: (m, d) => m.refs[d.sale].soldOrders().some((o) => o.seats.length > 0),
    run: async (m, r, d) => {
      const ticket = await ticketOf(m, r, d), wanted = m.refs[d.sale].checkIn(ticket.order, ticket.seat, ticket.generation, d.way, 'door');
      const [code, seq] = await r.sales[d.sale].run('ticket_check_in', ticket.seat, ticket.order, ticket.serial, d.way, 0, 'door');
      agree(`check-in of ${ticket.seat}`, code, wanted.code);
      if (code === 'ok') await agreeLogNumber(r, d, 'check-in', seq);
    },
  },
  block: {
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], rest = Array.from({ length: SEATS }, (_, seat) => seat).filter((seat) => !ref.s.owners[seat]), seats = d.rest && rest.length ? rest : d.seats;
      const wanted = ref.block(seats), [code, , , seq] = await r.sales[d.sale].run('seats_block', 'block', 'model', 'why', ...seats);
      agree(`block of ${seats}`, code, wanted.code);
      if (code === 'ok') await agreeLogNumber(r, d, 'block', seq);
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
  // still: nobody ticks meanwhile, as when no gateway gets to it (not for so long that the sale's clock stands still).
  pass: {
    run: async (m, r, d) => {
      if ((r.still ?? 0) + d.ms > STILL_MAX_MS) await tick(m, r);
      r.world.setClock(r.world.clock.ms + d.ms);
      r.still = (r.still ?? 0) + d.ms;
      if (!d.still) await tick(m, r);
    },
  },
  // One seat, taken and put back, and again: what was done long before is still known by its key.
  fidget: {
    when: (m, d) => who(m, d, 'choose') !== undefined,
    run: async (m, r, d) => {
      const name = who(m, d, 'choose'), all = { ...d, name, rude: false };
      for (let i = 0; i < d.times; i++) {
        const what = m.refs[d.sale].person(name).h.some(([seat]) => seat === d.k % SEATS) ? { what: 'release', seats: [d.k % SEATS] } : { what: 'hold', seats: [[d.k % SEATS, priceOf(d.k % SEATS)]], reduced: [] };
        await sendNew(m, r, all, name, what);
      }
      const old = known(m).filter((one) => one.sale === d.sale && one.name === name);
      if (old.length) await send(m, r, all, name, old[0].command);
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
      if (stage() === 'choose') await steps.hold.run(m, r, { ...d, k: at('choose'), seats: seatsToHave(ref, name, d.seats) });
      if (stage() === 'choose') await steps.checkout.run(m, r, { ...d, k: at('choose', 'pay') });
      const o = ref.person(name)?.st === 'pay' && ref.s.orders[ref.person(name).o];
      if (o) await tellPaid(m, r, d, ref.person(name).o, paymentId(m, r), { amount: o.amount, currency: o.currency });
    },
  },
  quiet: { run: quiet },
};

// Of these seats, and instead of those that are taken of others, as many as somebody may have; where he may have none, it is tried all the same.
function seatsToHave(ref, name, seats) {
  const free = Array.from({ length: SEATS }, (_, seat) => seat).filter((seat) => !ref.s.owners[seat]);
  const left = Math.max(0, ref.setting('limit') - ref.bought(name) - ref.person(name).h.length);
  const some = [...new Set(seats.map((seat) => free[seat % free.length]))].slice(0, left);
  return free.length && some.length ? some : seats;
}

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
  const codes = (m.codes[d.sale] ??= []), old = codes.filter((code) => (ref.s.orders[code.order]?.s[code.seat] ?? 0) > code.generation);
  if (d.old && old.length) return pick(old, d.k);
  codes.push(ticket);
  return ticket;
}

// The payment service has the money, and says so.
export async function tellPaid(m, r, d, order, payment, { amount, currency, foreign }) {
  if (!foreign) r.service.pay(payment, r.sales[d.sale].id, order, amount, currency);
  const wanted = m.refs[d.sale].pay(order, payment, amount, currency, foreign);
  const [code, state, seq] = await r.sales[d.sale].run('order_pay', order, payment, 'paid', amount, currency, ...(foreign ? ['known'] : []));
  agree(`payment ${payment} of ${order}`, { code, state }, wanted);
  if (code !== 'ok') return;
  await agreeLogNumber(r, d, 'payment', seq);
  m.webhooks.push({ sale: d.sale, order, payment, told: { amount, currency } }); // confirmed once it is written
}

async function tick(m, r) {
  r.still = 0;
  for (const sale of m.refs.keys()) {
    m.refs[sale].tick();
    await r.sales[sale].run('line_tick', 100, '');
    await checkSale(m, r, sale);
  }
}

// What has to be durable before it is told names its record (rule P1).
export async function agreeLogNumber(r, d, what, seq) {
  const { sale } = r.sales[d.sale], last = Number(await sale.redis.hget(sale.key.state, 'seq'));
  agree(`${what}: its log number`, { given: seq > 0 && seq <= last }, { given: true });
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
export const paymentId = (m, r) => `p:${r.world.sequence}:${++m.ids}`;
