// SPDX-License-Identifier: Apache-2.0
// The rules of the line and of being inside (L2, L4, L6, L7, A5-A7), for reference.mjs.
import { LANE, laneOf } from './reference.mjs';

const LANE_MAX = 15;
const REFUSALS = ['seat_taken', 'limit_reached', 'quota_reached', 'tariff_limit', 'none_together', 'stock_gone', 'seat_not_yours', 'something_held', 'no_more_time',
  'invitation_used', 'unknown_item', 'bid_too_low', 'bid_too_high', 'wrong_currency', 'lot_closed'];
const JOINABLE = ['open', 'paused', 'draft', 'through'];

export const lineRules = {
  // Where somebody is, as a gateway hears it: [number, stage, deadline, order].
  place(name) {
    const p = this.person(name);
    if (this.s.line[name] !== undefined) return [this.s.line[name], 'wait', 0, ''];
    return p && [p.n ?? 0, p.st, p.d ?? 0, p.o ?? ''];
  },

  // A gateway has the connection: from here the time to claim runs.
  tellAdmitted(name) {
    const p = this.person(name);
    if (p?.st !== 'claim' || p.told) return;
    p.told = true;
    p.d = this.now + this.setting('claim_ms');
  },

  refusal() {
    const status = this.effectiveStatus();
    if (!JOINABLE.includes(status)) return status;
    if (this.wall < this.setting('gathers_at')) return 'too_early';
    return undefined;
  },

  newNumber(name, lane) {
    if (this.setting('lottery') === 1 && !this.isOpenNow()) return this.draw(name, lane);
    this.s.next[lane] = (this.s.next[lane] ?? 0) + 1;
    return this.s.next[lane] - lane * LANE;
  },

  // Lanes by name: the first is served first.
  lanes() {
    const list = this.s.settings.lanes ? JSON.parse(this.s.settings.lanes) : [];
    return Object.fromEntries(list.map(({ name, quota }, i) => [name, { number: LANE_MAX - i, quota: quota ?? 0 }]));
  },

  // The lane an invitation leads to: [number], or [undefined, problem]. The quota counts people, not comings (rule L7).
  laneFor(name, invitation) {
    if (!invitation) return [0];
    const owner = invitation.id !== '-' ? this.s.invitations[invitation.id] : undefined, lane = this.lanes()[invitation.lane];
    if (!lane) return [undefined, 'unavailable'];
    if (owner && owner !== name) return [undefined, 'invitation_used'];
    const inLane = (this.s.inLane[lane.number] ??= {});
    if (!owner && !inLane[name] && lane.quota > 0 && Object.keys(inLane).length >= lane.quota) return [undefined, 'lane_full'];
    if (!owner) inLane[name] = true;
    if (invitation.id !== '-') this.s.invitations[invitation.id] = name;
    return [lane.number];
  },

  // What a change of settings would re-interpret (rule O7); undefined: nothing.
  settingFixed(fields) {
    const decided = this.held().length + this.soldSeats().length + Object.keys(this.s.orders).length + this.inside().length > 0
      || this.s.items.some((item) => item.kind === 'lot' && !this.lotIsOver(item) && this.bidsOf(item).bids.length > 0);
    if (fields.currency !== this.s.settings.currency && decided) return 'currency';
    const before = this.lanes(), after = Object.fromEntries((fields.lanes ? JSON.parse(fields.lanes) : []).map(({ name }, i) => [name, LANE_MAX - i]));
    const moved = Object.entries(before).some(([name, { number }]) => after[name] !== number && Object.keys(this.s.inLane[number] ?? {}).length > 0);
    return moved ? 'lanes' : undefined;
  },

  // flag: '1' a new place for whoever was inside, '0' how it ended, '-' no new place.
  join(name, flag, invitation) {
    const p = this.person(name), waiting = this.s.line[name];
    let found;
    if (waiting !== undefined) found = [waiting, 'wait', 0, ''];
    else if (p?.st === 'away') {
      this.s.line[name] = p.n;
      p.st = 'out';
      found = [p.n, 'wait', 0, ''];
    } else if (p && this.isInside(p)) {
      this.tellAdmitted(name);
      found = [p.n, p.st, p.d, p.o ?? ''];
    } else if (p && p.n !== undefined && flag !== '1') found = [p.n, 'out', 0, p.last ?? ''];
    const better = found?.[1] === 'wait' && invitation && (this.lanes()[invitation.lane]?.number ?? 0) > laneOf(found[0]);
    if ((!found || better) && flag === '-') found ??= [0, 'out', 0, ''];
    else if (!found && this.refusal()) found = [0, this.refusal(), 0, ''];
    else if (!found || better) {
      const [lane, problem] = this.laneFor(name, invitation);
      if (lane === undefined) found ??= [0, problem, 0, ''];
      else found = [(this.s.line[name] = this.newNumber(name, lane)), 'wait', 0, ''];
    }
    delete this.s.absent[name];
    return found;
  },

  drop(name) {
    if (this.s.line[name] !== undefined) this.s.absent[name] = this.now + this.setting('grace_ms');
    return 'ok';
  },

  find(name) {
    this.tellAdmitted(name);
    return this.place(name) ?? [0, 'out', 0, ''];
  },

  leave(name) {
    const p = this.person(name);
    if (this.s.line[name] !== undefined) {
      delete this.s.line[name];
      delete this.s.absent[name];
      return 'ok';
    }
    if (!p || p.st === 'out') return 'not_in_line';
    if (p.st === 'away') {
      p.st = 'out';
      delete this.s.absent[name];
      return 'ok';
    }
    this.endAdmission(name, 'left');
    this.admit();
    return 'ok';
  },

  enter(name, number) {
    const p = this.person(name);
    if (!p || p.n !== number || !this.isInside(p)) return { code: 'not_admitted' };
    if (p.d <= this.now) return { code: 'admission_expired' };
    if (p.st === 'claim') Object.assign(p, { st: 'choose', told: false, d: this.now + this.setting('choose_ms') });
    return { code: 'ok', stage: p.st, deadline: p.d, order: p.o ?? '', held: p.h };
  },

  // Why a command of somebody who chooses cannot be done; an answer that was given to its key before comes first (rule O2).
  choosingProblem(name, number, key, request) {
    const p = this.person(name);
    if (!p || p.n !== number) return { code: 'not_admitted' };
    const before = p.keys[key];
    if (before) return before.request === request ? { ...before.answer, again: true } : { code: 'key_reused' };
    this.asked = { name, key, request };
    return this.insideProblem(name, number);
  },

  insideProblem(name, number) {
    const p = this.person(name);
    if (!p || p.n !== number) return { code: 'not_admitted' };
    if (p.st === 'pay') return { code: 'already_paying' };
    if (p.st !== 'choose') return { code: 'not_admitted' };
    if (p.d <= this.now) return { code: 'admission_expired' };
    return undefined;
  },

  remember(name, key, request, answer) {
    this.person(name).keys[key] = { request, answer };
    return answer;
  },

  // A refusal of what was asked last, for a reason of the command's own, is the answer to its key from then on.
  rememberRefusal({ code, again }) {
    if (!again && this.asked && REFUSALS.includes(code)) this.remember(this.asked.name, this.asked.key, this.asked.request, { code });
    this.asked = undefined;
  },

  extend(name, number, key) {
    const problem = this.choosingProblem(name, number, key, 'extend');
    if (problem) return problem;
    const p = this.person(name), most = this.setting('extend_max');
    if (this.setting('extend_ms') === 0 || (p.e ?? 0) >= most) return { code: 'no_more_time' };
    p.e = (p.e ?? 0) + 1;
    p.d += this.setting('extend_ms');
    return this.remember(name, key, 'extend', { code: 'ok', list: [most - p.e] });
  },

  channel(name, number, key, channel, code) {
    const problem = this.choosingProblem(name, number, key, `channel ${code}`);
    if (problem) return problem;
    const p = this.person(name), owner = this.s.invitations[code];
    if (p.h.length) return { code: 'something_held' };
    if (owner && owner !== name) return { code: 'invitation_used' };
    this.s.invitations[code] = name;
    p.c = channel;
    return this.remember(name, key, `channel ${code}`, { code: 'ok', list: [] });
  },

  // Somebody outside asks for fewer people for a while; 0 ms: the wish is over.
  brake(percent, forMs) {
    this.s.asked = { percent, until: this.now + forMs };
    this.admit();
    return this.slowed();
  },

  setStatus(status) {
    this.s.status = status;
  },
};
