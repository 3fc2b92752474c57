// SPDX-License-Identifier: Apache-2.0
// <boxoffice-line sale="demo"></boxoffice-line>: the waiting room inside a page of one's own. When it is his turn, an event "turn" with the admission
// token; without a listener that prevents it, the page of the sale is opened. Attributes: server (by default where this file came from), token (the site's).
import { Boxoffice } from './boxoffice.js';

const origin = new URL(import.meta.url).origin;
const words = {
  en: { connecting: 'Getting in line …', gather: 'It begins soon. Everyone who is here gets a place by lot.', wait: (n, of, eta) => `You are number ${n}; ${of} are behind you.${eta ? ` Your turn comes in ${eta}.` : ''}`, turn: 'It is your turn!', go: 'Continue',
    out: 'You are not in line.', again: 'Join the line', sold_out: 'Sold out.', ended: 'This sale has ended.', offline: 'Connecting again; your place is kept.', minutes: (a, b) => (a === b ? `${a} min` : `${a} to ${b} min`) },
  ko: { connecting: '줄을 서는 중…', gather: '곧 시작합니다. 순서는 추첨으로 정해집니다.', wait: (n, of, eta) => `내 순서 ${n}번, 뒤에 ${of}명.${eta ? ` 예상 ${eta}.` : ''}`, turn: '입장할 차례입니다!', go: '계속',
    out: '대기 중이 아닙니다.', again: '줄 서기', sold_out: '매진되었습니다.', ended: '판매가 종료되었습니다.', offline: '다시 연결하는 중입니다. 순서는 유지됩니다.', minutes: (a, b) => (a === b ? `${a}분` : `${a}~${b}분`) },
};

export class BoxofficeLine extends HTMLElement {
  connectedCallback() {
    if (this.client) return;
    this.words = words[(this.closest('[lang]')?.lang ?? navigator.language).slice(0, 2)] ?? words.en;
    this.word = Object.assign(document.createElement('p'), { textContent: this.words.connecting });
    this.word.setAttribute('role', 'status');
    this.bar = Object.assign(document.createElement('progress'), { max: 1, value: 0 });
    this.bar.setAttribute('aria-hidden', 'true');
    this.button = Object.assign(document.createElement('button'), { type: 'button', hidden: true });
    this.attachShadow({ mode: 'open' }).append(this.word, this.bar, this.button);
    this.client = new Boxoffice({ server: this.getAttribute('server') ?? origin, sale: this.getAttribute('sale'), token: this.getAttribute('token') ?? undefined });
    this.removeAttribute('token');
    this.client.addEventListener('stage', () => this.#draw());
    this.client.addEventListener('position', () => this.#draw());
    this.client.addEventListener('joined', ({ detail }) => detail.position && this.#draw());
    this.client.addEventListener('position', ({ detail }) => { this.eta = detail.eta_s; });
    this.client.addEventListener('connection', ({ detail }) => (detail.state === 'online' ? this.#draw() : this.#say(this.words.offline)));
    this.client.addEventListener('admitted', ({ detail }) => this.#turn(detail));
    this.client.addEventListener('error', ({ detail }) => this.#say(detail.message));
    this.client.join();
  }

  disconnectedCallback() { this.client?.close(); }

  #say(text, button) {
    this.word.textContent = text;
    this.button.hidden = !button;
    if (button) [this.button.textContent, this.button.onclick] = button;
  }

  #draw() {
    const { stage, position, behind, progress } = this.client, { words: w, eta } = this;
    this.bar.hidden = stage !== 'wait';
    this.bar.value = progress ?? 0;
    if (stage === 'wait' && position) this.#say(w.wait(position.toLocaleString(), behind.toLocaleString(), eta && w.minutes(Math.ceil(eta[0] / 60), Math.ceil(eta[1] / 60))));
    else if (stage === 'out') this.#say(w.out, [w.again, () => this.client.join({ again: true })]);
    else if (['claim', 'choose', 'pay'].includes(stage)) this.#say(w.turn, [w.go, () => this.#go()]);
    else if (w[stage]) this.#say(w[stage]);
  }

  #turn(detail) {
    this.admission = detail.access;
    if (this.dispatchEvent(Object.assign(new Event('turn', { cancelable: true, bubbles: true }), { detail }))) this.#draw();
    else this.#say(this.words.turn);
  }

  #go() {
    const address = new URL('/', this.getAttribute('server') ?? origin);
    address.searchParams.set('sale', this.client.sale);
    address.hash = new URLSearchParams({ resume: this.client.resume }).toString();
    location.assign(address);
  }
}

customElements.define('boxoffice-line', BoxofficeLine);
