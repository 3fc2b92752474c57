// SPDX-License-Identifier: Apache-2.0
// A ticket link, to be kept: as text, to be copied, and as a QR code for another device.
import { tokenOf } from './client/keys.js';
import { make } from './dom.js';
import { moment, t } from './words.js';

// Where there is no clipboard (no TLS), the old way.
async function copy(input, word) {
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    input.select();
    document.execCommand('copy');
  }
  word.textContent = t('keep.copied');
}

async function draw(sale, link) {
  const answer = await fetch(`/api/sales/${encodeURIComponent(sale)}/tickets/link`, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${tokenOf(link)}` } });
  return answer.ok ? make('img', { src: `data:image/svg+xml,${encodeURIComponent(await answer.text())}`, alt: t('keep.qr') }) : t('error.offline');
}

/** about: the sale's description. */
export function keepBox({ link, link_expires_ms: expires }, about) {
  const input = make('input', { readonly: true, value: link, 'aria-label': t('keep.link'), click: () => input.select() }), word = make('span', { role: 'status' });
  const qr = make('details', {}, make('summary', {}, t('keep.qr.show')));
  qr.addEventListener('toggle', async () => {
    if (qr.open && qr.childElementCount === 1) qr.append(await draw(about.sale, link).catch(() => t('error.offline')));
  });
  return make('div', { class: 'card keep' }, make('h2', {}, t('keep.title')), make('p', {}, t('keep.text', { when: moment(expires, about.time_zone) })),
    make('p', { class: 'row' }, input, make('button', { type: 'button', click: () => copy(input, word) }, t('keep.copy')), word), qr, make('p', { class: 'hint' }, t('keep.hint')));
}
