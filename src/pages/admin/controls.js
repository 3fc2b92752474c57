// SPDX-License-Identifier: Apache-2.0
// What an operator does (rule A7). What others feel at once is asked about first; what can be taken back can be undone with one click.
import { $, make } from '../dom.js';
import { duration, number } from '../words.js';
import { get, patch, post, saleAt } from './api.js';

const UNDO_MS = 30000;
const SLIDER = 1000;
const RATE_MAX = 120000; // people per minute

const actions = {
  open: { label: 'Open', from: ['draft', 'closed'], ask: 'Open this sale? People can get in line and are let in.' },
  resume: { label: 'Resume', from: ['paused', 'draining', 'through', 'away'] },
  pause: { label: 'Pause', from: ['open', 'draining', 'through'], ask: 'Pause? Nobody is let in until you resume; the line goes on.' },
  drain: { label: 'Nobody new', from: ['open', 'paused', 'through'], ask: 'Take nobody new into the line? Who waits is still let in.' },
  through: { label: 'Everyone straight in', from: ['open', 'paused', 'draining'], ask: 'Let everyone straight in, whatever rate and capacity say?' },
  away: { label: 'Send the line away', from: ['open', 'paused', 'draining', 'through'], ask: 'Send everyone in line away for now? Places are kept for the grace time; who is inside may finish.' },
  close: { label: 'End the sale', from: ['draft', 'open', 'paused', 'draining', 'through', 'away'], ask: 'End this sale? Everyone in line is told that it is over, and goes.' },
};
const back = { open: 'resume', paused: 'pause', draining: 'drain', through: 'through', away: 'away', draft: null, closed: 'close' }; // what brings a status back

export async function sure(question) {
  const dialog = $('sure');
  $('sure-text').textContent = question;
  dialog.returnValue = 'no';
  dialog.showModal();
  await new Promise((closed) => { dialog.addEventListener('close', closed, { once: true }); });
  return dialog.returnValue === 'yes';
}

// People per minute on a slider that is fine where it is slow.
const toSlider = (rate) => Math.round((Math.log(Math.max(1, rate)) / Math.log(RATE_MAX)) * SLIDER);
function fromSlider(value) {
  const exact = Math.exp((value / SLIDER) * Math.log(RATE_MAX)), step = 10 ** Math.max(0, Math.floor(Math.log10(exact)) - 1);
  return Math.max(1, Math.round(exact / step) * step);
}
const perMinute = ({ rate_count: count = 100, rate_ms: ms = 5000 }) => (count * 60000) / ms;
/** As settings: in steps of five seconds, or one by one where it is slower than that. */
const asRate = (rate) => (rate >= 12 ? { rate_count: Math.round(rate / 12), rate_ms: 5000 } : { rate_count: 1, rate_ms: Math.round(60000 / rate) });

export class Controls {
  constructor({ changed, role }) {
    this.changed = changed;
    this.may = role !== 'viewer';
    $('controls').hidden = $('controls-title').hidden = !this.may;
    $('rate-slider').max = SLIDER;
    $('rate-slider').addEventListener('input', () => this.#preview());
    $('rate').addEventListener('submit', (event) => this.#do(event, () => this.#applyRate()));
    $('message').addEventListener('submit', (event) => this.#do(event, () => this.#say($('message-text').value)));
    $('message-back').addEventListener('click', (event) => this.#do(event, () => this.#say(null)));
    $('slow').addEventListener('submit', (event) => this.#do(event, () => this.#slow()));
  }

  async open(sale) {
    this.sale = sale;
    this.settings = (await get(saleAt(sale))).settings;
    $('rate-slider').value = toSlider(perMinute(this.settings));
    $('policy').value = this.settings.policy ?? 'both';
    $('capacity').value = this.settings.capacity ?? 1000;
    $('message-text').value = this.settings.notice ?? '';
    this.#preview();
  }

  /** Once a second. */
  update(counts) {
    this.counts = counts;
    this.#preview();
    if (counts.status === this.status) return;
    this.status = counts.status;
    $('actions').replaceChildren(...Object.entries(actions).filter(([, { from }]) => from.includes(counts.status)).map(([name, { label, ask }]) =>
      make('button', { type: 'button', class: name === 'resume' || name === 'open' ? '' : 'quiet', click: (event) => this.#do(event, () => this.#act(name, label, ask)) }, label)));
  }

  async #do(event, action) {
    event.preventDefault();
    try {
      await action();
    } catch (problem) {
      this.#tell(problem.message);
    }
  }

  // Says what was done, and offers to take it back.
  #tell(text, undo) {
    const box = $('done');
    clearTimeout(this.forgetting);
    box.replaceChildren(text, ' ', ...(undo ? [make('button', { type: 'button', class: 'quiet', click: (event) => this.#do(event, async () => {
      await undo();
      this.#tell('Undone.');
      await this.open(this.sale);
      this.changed();
    }) }, 'Undo')] : []));
    box.hidden = false;
    this.forgetting = setTimeout(() => { box.hidden = true; }, UNDO_MS);
    this.changed();
  }

  async #act(name, label, question) {
    if (question && !(await sure(question))) return;
    const { sale, status } = this;
    await post(saleAt(sale, `/${name}`));
    this.#tell(`${label}: done.`, back[status] ? () => post(saleAt(sale, `/${name === 'close' && status !== 'closed' ? 'open' : back[status]}`)) : null);
  }

  // ---- the rate, and what it would do before it is applied ----

  #preview() {
    const rate = fromSlider(Number($('rate-slider').value)), { rate_count: count, rate_ms: ms } = asRate(rate), waiting = this.counts?.waiting ?? 0, now = perMinute(this.settings ?? {});
    $('rate-value').textContent = number(Math.round((count * 60000) / ms));
    const last = (r) => duration((waiting / r) * 60);
    $('rate-effect').textContent = waiting ? `${number(waiting)} in line: at this rate the last of them comes in after about ${last(rate)}; at the present one (${number(Math.round(now * 100) / 100)} a minute) after ${last(now)}, as long as capacity and seats allow.`
      : `At present ${number(Math.round(now * 100) / 100)} a minute.`;
  }

  async #patch(settings, text) {
    const { sale } = this, before = Object.fromEntries(Object.keys(settings).map((name) => [name, this.settings[name] ?? { policy: 'both', capacity: 1000, rate_count: 100, rate_ms: 5000 }[name]]));
    await patch(saleAt(sale), settings);
    await this.open(sale);
    this.#tell(text, () => patch(saleAt(sale), before));
  }

  async #applyRate() {
    const rate = fromSlider(Number($('rate-slider').value)), settings = { ...asRate(rate), policy: $('policy').value, capacity: Number($('capacity').value) };
    if (!(await sure(`Let in ${number(rate)} people a minute at most, ${number(settings.capacity)} inside at once, by ${settings.policy}?`))) return;
    await this.#patch(settings, `${number(rate)} a minute, ${number(settings.capacity)} inside, by ${settings.policy}.`);
  }

  async #say(text) {
    const { sale } = this, before = this.settings.notice ?? null;
    await post(saleAt(sale, '/message'), { text: text || null });
    await this.open(sale);
    this.#tell(text ? 'Everyone in line hears it.' : 'Taken back.', () => post(saleAt(sale, '/message'), { text: before }));
  }

  async #slow() {
    const { sale } = this, percent = Number($('slow-percent').value), minutes = Number($('slow-minutes').value);
    const answer = await post(saleAt(sale, '/brake'), { percent, for_ms: minutes * 60000, why: 'operator' });
    this.#tell(`Admission at ${answer.speed_percent} %.`, () => post(saleAt(sale, '/brake'), { percent: 100, for_ms: 0, why: 'operator' }));
  }
}
