// SPDX-License-Identifier: Apache-2.0
// What operators do with a sale, and what they sell besides seats: commands of the model (steps.mjs).
import { agree } from './checks.mjs';
import { PLAN } from './real.mjs';
import { PEOPLE, agreeLogNumber, numberOf, paymentId, pick, sendNew, steps as mainSteps, tellPaid, who } from './steps.mjs';

const ITEMS = { stand: 'area', field: 'area', gift: 'coupon', points: 'points' }, LOTS = ['lamp', 'vase'];
const answerOf = ([code, at]) => ({ code, left: code === 'ok' ? undefined : Number(at) });

async function change(m, r, d, settings, status) {
  const ref = m.refs[d.sale], real = r.sales[d.sale];
  if (settings) {
    const fields = await real.fieldsOf(settings), fixed = ref.settingFixed(fields), [code, setting] = await real.run('sale_check', ...Object.entries(fields).flat());
    agree('settings', { code, setting }, fixed ? { code: 'setting_fixed', setting: fixed } : { code: 'ok', setting: undefined });
    if (fixed) return;
  }
  const [code] = await real.change(settings, status);
  agree('change', code, 'ok');
  Object.assign(ref.s.settings, real.fields);
  if (status) ref.setStatus(status);
}

// Items there are of such a kind; now and then, and where there are none, these.
function namesOf(m, d, isOne, others) {
  const names = m.refs[d.sale].s.items.filter(({ kind }) => isOne(kind)).map(({ name }) => name);
  return names.length && d.k % 6 ? names : others;
}

export const saleSteps = {
  status: {
    run: (m, r, d) => change(m, r, d, undefined, d.status),
  },
  settings: {
    run: async (m, r, d) => {
      await change(m, r, d, d.change);
    },
  },
  // What cannot be a setting, and what would be one item too many, is refused, and nothing is changed.
  refused: {
    run: async (m, r, d) => {
      const real = r.sales[d.sale], { err } = await r.world.driver.ask('check', JSON.stringify({ settings: { currency: d.currency, prices: { A: d.price } }, plan: PLAN(8) }));
      agree('price', err, d.currency === 'EUR' && (d.price === 0 || d.price >= 50) ? 'ok' : 'bad_setting');
      const { redis, key } = real.sale, before = await redis.hget(key.stock, 'items');
      await redis.hset(key.stock, 'items', 2000);
      const code = d.lot ? (await real.run('auction_set', 'late', 100, 10, 5000, 0, 4e12, 0, 6000, 'model'))[0] : (await real.run('stock_set', 'late', 'coupon', 5, 0, 0, 0, 0, 'model'))[0];
      await (before === null ? redis.hdel(key.stock, 'items') : redis.hset(key.stock, 'items', before));
      agree('one item too many', code, 'too_many_items');
    },
  },
  brake: {
    run: async (m, r, d) => {
      const wanted = m.refs[d.sale].brake(d.percent, d.ms), [code, percent] = await r.sales[d.sale].run('line_brake', d.percent, d.ms, 'why');
      agree('brake', { code, percent }, { code: 'ok', percent: wanted });
    },
  },
  channel: {
    when: (m, d) => who(m, d, 'choose') !== undefined,
    run: (m, r, d) => sendNew(m, r, d, who(m, d, 'choose'), { what: 'channel', send: sendChannel, channel: d.channel, code: `c${d.k % 4}` }),
  },
  item: {
    run: async (m, r, d) => {
      const name = pick(Object.keys(ITEMS), d.k), item = { name, kind: d.odd ? 'voucher' : ITEMS[name], total: d.total, limit: d.limit, price: 700, rate_count: d.rate, rate_ms: 3000 };
      const wanted = m.refs[d.sale].setItem(item);
      const [code, index, left, seq] = await r.sales[d.sale].run('stock_set', item.name, item.kind, item.total, item.limit, item.price, item.rate_count, item.rate_ms, 'model');
      agree(`item ${name}`, { code, left: Number(code === 'ok' ? left : index ?? 0) }, { code: wanted.code, left: wanted.left ?? 0 });
      if (code === 'ok') await agreeLogNumber(r, d, 'item', seq);
    },
  },
  take: {
    run: async (m, r, d) => {
      const name = d.comes ? pick(PEOPLE, d.k) : who(m, d, 'choose'), ref = m.refs[d.sale];
      if (d.comes && ref.person(name)?.st !== 'choose') await mainSteps.come.run(m, r, d);
      if (!name || (d.comes && ref.person(name)?.st !== 'choose')) return;
      await sendNew(m, r, { ...d, rude: d.rude && !d.comes }, name, { what: 'take', send: sendTake, item: pick(namesOf(m, d, (kind) => kind === 'area', ['stand', 'field', 'gift']), d.k), count: d.count, worn: d.worn });
    },
  },
  grant: {
    run: async (m, r, d) => {
      const [name, item, id] = [pick(PEOPLE, d.k), pick(namesOf(m, d, (kind) => kind !== 'area' && kind !== 'lot', ['gift', 'points', 'stand']), d.item), `grant${d.id}`];
      const asked = d.asks ? [numberOf(m, d, name)] : []; // by a visitor
      const wanted = m.refs[d.sale].grant(id, name, item, d.count, ...asked);
      const answer = await r.sales[d.sale].run('stock_grant', 'give', id, name, item, d.count, ...asked);
      agreeGrant(`grant ${id}`, answer, wanted);
    },
  },
  takeBack: {
    run: async (m, r, d) => {
      const wanted = m.refs[d.sale].takeBack(`grant${d.id}`);
      agreeGrant(`take-back of ${d.id}`, await r.sales[d.sale].run('stock_grant', 'take_back', `grant${d.id}`, 'model'), wanted);
    },
  },
  lot: {
    run: async (m, r, d) => {
      const now = r.world.clock.ms, name = pick(LOTS, d.k);
      const lot = { name, kind: 'lot', total: 1, limit: 0, rate_count: 0, rate_ms: 0, price: d.price, step: 100, most: 5000, opens: now + d.opens, closes: now + d.closes, extend_ms: d.extend, pay_ms: 6000 };
      const wanted = m.refs[d.sale].setLot(lot);
      const [code, , , seq] = await r.sales[d.sale].run('auction_set', name, lot.price, lot.step, lot.most, lot.opens, lot.closes, lot.extend_ms, lot.pay_ms, 'model');
      agree(`lot ${name}`, code, wanted.code);
      if (code === 'ok') await agreeLogNumber(r, d, 'lot', seq);
    },
  },
  bid: {
    when: (m, d) => who(m, d, 'choose') !== undefined && m.refs[d.sale].s.items.some(({ kind }) => kind === 'lot'),
    run: (m, r, d) => {
      const ref = m.refs[d.sale], lots = ref.s.items.filter(({ kind }) => kind === 'lot'), lot = pick(lots, d.k), highest = ref.bidsOf(lot).bids.at(-1)?.[1] ?? lot.price - lot.step;
      return sendNew(m, r, d, who(m, d, 'choose'), { what: 'bid', send: sendBid, lot: lot.name, amount: highest + d.more, currency: d.foreign ? 'USD' : ref.s.settings.currency });
    },
  },
  // A lot from the first bid to what becomes of it: who bids highest pays or does not, and may give it back; then it is offered again.
  auction: {
    run: async (m, r, d) => {
      const ref = m.refs[d.sale], name = pick(LOTS, d.k), still = () => ref.item(name) && !ref.lotIsOver(ref.item(name));
      if (!still()) await saleSteps.lot.run(m, r, d);
      if (!still()) return;
      for (const bidder of [pick(PEOPLE, d.k), pick(PEOPLE, d.other)]) await comeAndBid(m, r, d, bidder, ref.item(name));
      await mainSteps.pass.run(m, r, { ...d, ms: Math.max(20, ref.bidsOf(ref.item(name)).closes - ref.wall) });
      const { order } = ref.bidsOf(ref.item(name));
      if (order) await endOfLot(m, r, d, order);
      if (d.offer) await saleSteps.lot.run(m, r, d);
    },
  },
};

async function comeAndBid(m, r, d, name, lot) {
  const ref = m.refs[d.sale], b = ref.bidsOf(lot), highest = b.bids.at(-1)?.[1] ?? lot.price - lot.step;
  if (ref.person(name)?.st !== 'choose') await mainSteps.come.run(m, r, { ...d, k: PEOPLE.indexOf(name) });
  if (ref.person(name)?.st !== 'choose') return;
  await sendNew(m, r, { ...d, do: 'bid', rude: false }, name, { what: 'bid', send: sendBid, lot: lot.name, amount: highest + lot.step, currency: ref.s.settings.currency });
}

async function endOfLot(m, r, d, order) {
  const ref = m.refs[d.sale], o = ref.s.orders[order];
  if (d.end === 'lapse') return void await mainSteps.pass.run(m, r, { ...d, ms: 6000 });
  if (d.end === 'checkout' || o.amount === 0) await mainSteps.checkout.run(m, r, { ...d, name: o.person, order });
  if (o.st === 'paying') await tellPaid(m, r, d, order, paymentId(m, r), { amount: o.amount, currency: o.currency });
  if (d.back === 'no' || o.st !== 'paid') return;
  await mainSteps.refund.run(m, r, { ...d, order, mask: d.back === 'seats' ? 1 : 0, amount: 'half', become: 'free', id: 'fresh' });
}

function agreeGrant(what, [code, item, count, number, , back], wanted) {
  if (code !== 'ok') agree(what, code === 'try_later' ? { code } : { code, left: item && Number(item) }, { code: wanted.code, left: wanted.left });
  else agree(what, { code, item, count, number, back: back === 1 }, { code: wanted.code, item: wanted.item, count: wanted.count, number: wanted.number, back: wanted.back });
}

// An answer inside of a script that answers one command.
function agreeOne(what, ref, name, [code, at, list], wanted) {
  ref.rememberRefusal(wanted);
  if (wanted.again) return agree(`${what}, again`, code, wanted.code);
  const said = { ...answerOf([code, at]), list: code === 'ok' ? list.map(Number) : undefined, deadline: code === 'ok' ? at : undefined };
  if (code !== 'ok' && wanted.left === undefined) delete said.left;
  agree(what, said, { code: wanted.code, left: wanted.left, list: wanted.code === 'ok' ? [...wanted.list] : undefined, deadline: wanted.code === 'ok' ? ref.person(name).d : undefined });
}

async function sendChannel(ref, real, name, { number, key, channel, code }) {
  const wanted = ref.channel(name, number, key, channel, code);
  agreeOne(`channel of ${name}`, ref, name, await real.run('line_channel', name, number, key, channel, code), wanted);
}

// worn: as after so many holds that the numbers of the area's places come to their end.
async function sendTake(ref, real, name, { number, key, item, count, worn }) {
  const index = ref.item(item) ? ref.indexOf(ref.item(item)) : 0, field = `next:${index}`, before = await real.sale.redis.hget(real.sale.key.stock, field);
  if (worn && index && Number(before) < 999000) await real.sale.redis.hset(real.sale.key.stock, field, 999998);
  const answer = await real.run('stock_take', name, number, key, item, count), known = new Set(ref.person(name)?.h.map(([seat]) => seat) ?? []);
  const places = answer[0] === 'ok' ? answer[2].map(Number).filter((_, i) => i % 2 === 0).filter((seat) => !known.has(seat)) : [];
  const wanted = ref.takePlaces(name, number, key, item, count, places.slice(-count));
  agreeOne(`take of ${name}`, ref, name, answer, wanted);
  if (places.length === 0 && worn && index) await (before === null ? real.sale.redis.hdel(real.sale.key.stock, field) : real.sale.redis.hset(real.sale.key.stock, field, before));
}

async function sendBid(ref, real, name, { number, key, lot, amount, currency }) {
  const wanted = ref.bid(name, number, key, lot, amount, currency);
  const answer = await real.run('auction_bid', name, number, key, lot, amount, currency);
  if (answer[0] === 'ok') agree(`bid of ${name}: its log number`, Number(answer[2].pop()) > 0, true); // after whose commit it may be told
  agreeOne(`bid of ${name}`, ref, name, answer, wanted);
}
