// SPDX-License-Identifier: Apache-2.0
// The way of one person through one sale: early, gather, wait, claim, choose, pay, bought, or over. Each is a section of the page.
import { Boxoffice, storage } from './client/boxoffice.js';
import { tokenOf } from './client/keys.js';
import { keepTime, now, timed } from './clock.js';
import { $, make, say } from './dom.js';
import { wear } from './theme.js';
import { countdown, duration, moment, money, number, problem, range, t } from './words.js';

const sections = ['early', 'gather', 'wait', 'claim', 'choose', 'pay', 'bought', 'login', 'over'];
const PLAN_SOON_S = 120; // so long before his turn the plan is fetched
const PLAN_SOON_PLACE = 50;

export class Sale {
  constructor(id, secrets) {
    this.id = id;
    this.opensAt = this.goesAt = 0;
    this.secrets = secrets;
    this.#listen();
    setInterval(() => this.#tick(), 250);
  }

  // Only the operator's own pages may hand somebody over: from anywhere else a link could make him buy as another person.
  #connect() {
    const { account, invitation, token, resume } = this.secrets, trusted = document.referrer && this.about.sites.includes(new URL(document.referrer).origin);
    const client = this.client = new Boxoffice({ sale: this.id, account, invitation, token: trusted ? token : undefined });
    if (trusted && resume) client.resume = resume;
    for (const type of ['stage', 'connection', 'place_lost', 'joined', 'position', 'gathering', 'notice', 'status', 'admitted', 'entered', 'pay', 'bought', 'won', 'expired', 'left', 'order_failed', 'sold_out', 'ended', 'error'])
      client.addEventListener(type, ({ detail }) => this[`on_${type}`]?.(detail));
  }

  async start() {
    $('sale').hidden = false;
    try {
      this.about = await timed(() => this.#ask());
    } catch (refused) {
      if (refused.code) this.#over(refused.code === 'unknown_sale' ? 'unknown_sale' : 'broken', refused.code === 'unknown_sale' ? undefined : problem(refused));
      else this.#over('broken');
      if (refused.code !== 'unknown_sale') setTimeout(() => this.start(), 3000 + Math.random() * 3000);
      return;
    }
    this.#describe();
    this.#connect();
    if (this.about.gathers_at_ms > now()) this.#waitForDoors();
    else this.client.join();
  }

  #ask() { return new Boxoffice({ sale: this.id }).describe(); }

  #describe() {
    const { about } = this;
    wear(about);
    $('title').textContent = about.title || about.name;
    $('where').textContent = [about.starts_at_ms && this.#moment(about.starts_at_ms), about.venue, about.city].filter(Boolean).join(' · ');
    $('about-box').hidden = !about.about;
    $('about').textContent = about.about;
    say('welcome', about.welcome);
    $('then').textContent = t('wait.then', { claim: duration(about.claim_ms / 1000), choose: duration(about.choose_ms / 1000), pay: duration(about.pay_ms / 1000), limit: about.limit });
    for (const hint of document.querySelectorAll('[data-word="wait.hint"]')) hint.textContent = t('wait.hint', { grace: duration(about.grace_ms / 1000) });
  }

  #waitForDoors() {
    this.#show('early');
    this.doorsAt = this.about.gathers_at_ms;
    $('early-when').textContent = t('early.when', { when: this.#moment(this.doorsAt) });
  }

  // ---- what is shown ----

  #show(name) {
    if (this.shown === name) return;
    this.shown = name;
    for (const id of sections) $(id).hidden = id !== name;
    if (name !== 'claim') this.#calm();
  }

  #over(kind, text, mayJoinAgain = false) {
    $('over-title').textContent = t(`over.${kind}`);
    $('over-text').textContent = text ?? t(`over.${kind}.text`);
    $('again').hidden = !mayJoinAgain;
    $('mine-link').hidden = !this.client?.keys.length;
    $('mine-link').href = this.#ticketsLink();
    this.#show('over');
    this.#title(t(`over.${kind}`));
  }

  // By the link where there is one: it needs no storage.
  #ticketsLink(link) { return tokenOf(link) ? `/tickets.html#link=${tokenOf(link)}` : `/tickets.html?sale=${encodeURIComponent(this.id)}`; }

  #moment(ms) { return moment(ms, this.about.time_zone); }

  #title(text) { document.title = `${text} – ${this.about?.title || this.about?.name || 'boxoffice'}`; }

  #tick() {
    const left = Math.max(0, (this.client?.deadline ?? 0) - performance.now());
    keepTime(() => this.#ask());
    for (const element of document.querySelectorAll('.left')) element.textContent = countdown(left);
    if (this.shown === 'gather') $('opens').textContent = countdown(this.opensAt - performance.now());
    if (this.shown === 'wait') this.#tellOpening();
    if (this.shown === 'early') {
      $('early-left').textContent = countdown(this.doorsAt - now());
      if (this.doorsAt <= now()) {
        this.#show('');
        setTimeout(() => this.client.join(), Math.random() * 500);
      }
    }
    if (this.shown === 'choose' || this.shown === 'pay') this.#title(countdown(left));
  }

  // In a line by order of arrival before its opening.
  #tellOpening() {
    const left = this.about.opens_at_ms - now();
    say('wait-opens', left > 0 ? t('wait.opens', { left: countdown(left), when: this.#moment(this.about.opens_at_ms) }) : '');
  }

  // ---- his turn: heard and seen ----

  #ring() {
    if (!$('sound').checked || !this.audio) return;
    for (const [after, pitch] of [[0, 660], [0.25, 880], [0.5, 1320]]) {
      const tone = this.audio.createOscillator(), volume = this.audio.createGain(), at = this.audio.currentTime + after;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.2, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
      tone.connect(volume).connect(this.audio.destination);
      tone.start(at);
      tone.stop(at + 0.45);
    }
  }

  #call() {
    this.#ring();
    navigator.vibrate?.([200, 100, 200]);
    let on = false;
    this.calling ??= setInterval(() => {
      on = !on;
      this.#title(on ? `★ ${t('turn.title')}` : t('turn.title'));
    }, 1000);
    this.#title(t('turn.title'));
  }

  #calm() {
    clearInterval(this.calling);
    this.calling = undefined;
  }

  // ---- the server's word ----

  on_connection({ state }) { say('connection', state === 'online' ? '' : t(`connection.${state}`)); }

  on_place_lost() { say('notice', t('wait.new')); }

  on_stage({ stage, before }) {
    if (stage === 'wait') this.#show('wait');
    if (stage === 'out' && (before === 'connecting' || before === 'wait')) this.#over('out', undefined, true);
    if (stage === 'bought') this.#calm();
  }

  on_joined(message) {
    this.status = message.status;
    if (message.stage === 'gather') this.on_gathering(message);
    if (message.stage === 'wait') this.on_position(message);
    if (message.stage === 'out') this.#over('out', undefined, true);
  }

  on_gathering({ opens_in_ms: opens, total }) {
    if (opens === undefined) return;
    this.#show('gather');
    this.opensAt = performance.now() + opens;
    $('opens-when').textContent = t('gather.when', { when: this.#moment(Math.round((now() + opens) / 1000) * 1000) });
    $('gathered').textContent = number(total);
    $('opens').textContent = countdown(opens);
  }

  on_position({ position, eta_s: eta, free }) {
    if (position === undefined) return;
    this.#show('wait');
    $('position').textContent = number(position);
    $('behind').textContent = number(this.client.behind);
    $('eta').textContent = eta ? (eta[1] < 5 ? t('wait.soon') : range(...eta)) : t('wait.unknown');
    $('progress').value = this.client.progress;
    say('wait-free', free === undefined ? '' : t('wait.free', { n: free }));
    $('wait-status').textContent = this.status === 'paused' ? t('wait.paused') : eta || this.status === 'away' ? '' : t('wait.slow');
    this.#title(`${number(position)}`);
    if (position <= PLAN_SOON_PLACE || (eta && eta[0] < PLAN_SOON_S)) this.#load().catch(() => {});
  }

  on_notice({ text }) { say('notice', text); }

  on_status({ status }) {
    this.status = status;
    if (this.shown === 'wait' && status === 'paused') $('wait-status').textContent = t('wait.paused');
    else if (this.shown === 'wait') $('wait-status').textContent = '';
  }

  on_admitted({ stage, access }) {
    document.cookie = `boxoffice_access=${access}; path=/; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`; // for a shop behind the same name, see examples/nginx
    this.#load().catch(() => {});
    if (stage !== 'claim') return; // he goes back in by himself
    if (document.visibilityState === 'visible') {
      this.#ring();
      this.client.enter();
      return;
    }
    this.#show('claim'); // he looks at something else: the time for choosing begins when he is here
    this.#call();
  }

  // Once: the plan, and what chooses from it.
  #load() {
    this.loading ??= Promise.all([this.client.plan(), import('./hall.js')]).then(([plan, { Hall }]) => {
      this.plan = plan;
      return () => {
        this.hall ??= new Hall(this.client, this.about, plan);
        return this.hall;
      };
    }).catch((refused) => {
      this.loading = undefined;
      throw refused;
    });
    return this.loading;
  }

  async on_entered(message) {
    this.#calm();
    try {
      const hall = await this.#load();
      if (message.stage === 'choose') this.#show('choose'); // first: the map is as large as what it lies in
      hall().on_entered(message);
    } catch (refused) {
      say('connection', problem(refused.code ? refused : { code: 'offline' }));
      setTimeout(() => this.on_entered(message), 2000);
      return;
    }
    if (message.stage === 'pay') this.#checkout();
    else this.client.watchMap();
  }

  async #checkout(order) {
    $('checkout').disabled = true;
    try {
      await this.client.checkout(order);
    } catch (refused) {
      $('refusal').textContent = $('pay-refusal').textContent = problem(refused.answer ?? refused);
      $('checkout').disabled = !this.hall?.held.length;
    }
  }

  on_pay(message) {
    this.#show('pay');
    $('pay-refusal').textContent = '';
    const what = this.hall?.held.map((guid) => this.hall.nameOf(guid)).join(', ') || message.order;
    $('sum').textContent = t('pay.sum', { sum: money(message.amount, message), what });
    $('pay-link').hidden = !message.url;
    if (/^https?:/.test(message.url ?? '')) $('pay-link').href = message.url;
    if (message.client_secret) import('./stripe.js').then(({ payByStripe }) => payByStripe(message)).catch(() => { $('pay-refusal').textContent = problem({ code: 'payment_unavailable', message: t('error.offline') }); });
  }

  on_won({ lot, order, amount, currency, digits }) {
    say('notice', t('lot.won', { lot, price: money(amount, { currency, digits }) }));
    $('notice').append(' ', make('button', { type: 'button', click: () => this.#checkout(order) }, t('lot.pay')));
  }

  on_bought({ tickets, link, link_expires_ms: expires }) {
    $('tickets').replaceChildren(...tickets.map((ticket) => make('li', {}, t(ticket.row ? 'seat.where' : 'seat.where.norow', { zone: ticket.zone, row: ticket.row, seat: ticket.number }),
      ` (${[ticket.category, ticket.tariff, money(ticket.price, this.about)].filter(Boolean).join(', ')})`)));
    $('tickets-link').href = this.#ticketsLink(link);
    this.#show('bought');
    if (link) import('./keep.js').then(({ keepBox }) => $('bought-keep').replaceChildren(keepBox({ link, link_expires_ms: expires }, this.about)));
    this.#title(t('bought.title'));
  }

  on_expired() { this.#over('expired', undefined, true); }
  on_left() { this.#over('left', undefined, true); }
  on_order_failed({ reason }) { this.#over('order_failed', t(`over.order_failed.${reason}`), true); }
  on_sold_out() { this.#end('sold_out'); }
  on_ended() { this.#end('ended'); }

  // Somebody who bought and comes back after the end still finds his tickets.
  async #end(kind, mayJoinAgain = false) {
    const { tickets, links } = this.client.keys.length ? await this.client.wallet().catch(() => ({ tickets: [] })) : { tickets: [] };
    if (tickets.length) this.on_bought({ tickets, ...(links.length === 1 ? links[0] : {}) });
    else this.#over(kind, undefined, mayJoinAgain);
  }

  #askToLogIn() {
    $('login-link').href = `/account.html?back=${encodeURIComponent(this.id)}`;
    this.#show('login');
  }

  on_error(message) {
    if (message.key && message.retry_ms) $('refusal').textContent = $('pay-refusal').textContent = problem(message); // asked again by itself
    if (message.key) return; // whoever asked hears it
    if (message.code === 'guests_refused' || message.code === 'no_token') {
      this.#askToLogIn();
    } else if (['unknown_sale', 'draining', 'ended'].includes(message.code)) {
      this.#end(message.code);
    } else if (message.code.startsWith('token_')) {
      if (this.secrets.account || this.secrets.token) this.#askToLogIn();
      else this.#end('out', true); // an old key: in line it counts no more
    } else if (['try_later', 'too_early', 'too_many', 'turned_away', 'overloaded', 'unavailable', 'redis_lost_sale', 'not_open'].includes(message.code) && !['choose', 'pay', 'claim'].includes(this.shown)) {
      if (this.shown !== 'wait') {
        this.#over('broken', problem(message));
        $('over-title').textContent = t('moment.title');
      } else {
        $('wait-status').textContent = problem(message);
      }
    } else {
      say('notice', problem(message));
    }
  }

  // ---- what he does ----

  #listen() {
    $('checkout').addEventListener('click', () => this.#checkout());
    $('extend').addEventListener('click', () => this.client.extend().catch((refused) => { $('refusal').textContent = problem(refused.answer ?? refused); }));
    $('enter').addEventListener('click', () => this.client.enter());
    $('again').addEventListener('click', () => {
      this.shown = '';
      this.client.join({ again: true });
    });
    for (const [id, word] of [['leave-line', 'wait.leave.sure'], ['leave-choose', 'choose.leave.sure']]) $(id).addEventListener('click', () => confirm(t(word)) && this.client.leave());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.shown === 'claim' && this.client.enter());
    $('sound').checked = storage.get('boxoffice.sound') === '1';
    $('sound').addEventListener('change', () => {
      storage.set('boxoffice.sound', $('sound').checked ? '1' : '0');
      this.#ring();
    });
    // A page may make sounds only after somebody has touched it.
    const wakeAudio = () => { this.audio ??= globalThis.AudioContext && new AudioContext(); };
    for (const type of ['pointerdown', 'keydown']) addEventListener(type, wakeAudio, { once: true });
  }
}
