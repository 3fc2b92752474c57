// SPDX-License-Identifier: Apache-2.0
// The pages' words: one file per language in words/, found by its name. t('wait.behind', {n: 3}) is a text; elements carry data-word.
import { storage } from './client/boxoffice.js';

const languages = document.documentElement.dataset.languages.split(' ');
const wished = new URLSearchParams(location.search).get('lang') ?? storage.get('boxoffice.language');

function choose() {
  for (const wish of [wished, ...navigator.languages]) {
    const found = languages.find((one) => one === wish?.toLowerCase().split('-')[0]);
    if (found) return found;
  }
  return 'en';
}

export const language = choose();
const locale = navigator.languages.find((one) => one.toLowerCase().split('-')[0] === language) ?? language; // how he writes dates and sums
const { words } = await import(`./words/${language}.js`);
const plural = new Intl.PluralRules(language);

/** A text may have {names}, and forms for numbers: {one, other} chosen by n. */
export function t(key, values = {}) {
  let text = words[key];
  if (text && typeof text === 'object') text = text[plural.select(values.n)] ?? text.other;
  return (text ?? key).replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === 'number' ? number(values[name]) : values[name] ?? ''));
}

/** What an error means, in his language where we have the words, else as the server said it. */
export const problem = (answer) => words[`error.${answer.code}`] ?? answer.message ?? t('error.unknown');

export const number = (value) => new Intl.NumberFormat(locale).format(value);

const sums = new Map();
/** An amount in the smallest unit, of what says currency and digits: browsers have other ideas of a currency's digits than ISO 4217 has. */
export function money(amount, { currency, digits }) {
  const key = `${currency} ${digits}`;
  if (!sums.has(key)) sums.set(key, new Intl.NumberFormat(locale, { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return sums.get(key).format(amount / 10 ** (digits ?? sums.get(key).resolvedOptions().maximumFractionDigits)); // none: a server of before
}

/** A typed amount in the smallest unit; null if it is not a number, or has more decimals than the currency. */
export function smallest(text, { digits }) {
  const [, whole, part = ''] = /^\s*(\d+)(?:[.,](\d*))?\s*$/.exec(text) ?? [];
  return whole === undefined || /[1-9]/.test(part.slice(digits)) ? null : Number(whole + part.slice(0, digits).padEnd(digits, '0'));
}

const unit = (value, name) => new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);

/** Rounded as one would say it. */
export function duration(seconds) {
  if (seconds < 90) return unit(Math.max(0, Math.round(seconds)), 'second');
  if (seconds < 5400) return unit(Math.round(seconds / 60), 'minute');
  return `${unit(Math.floor(seconds / 3600), 'hour')} ${unit(Math.round((seconds % 3600) / 60), 'minute')}`;
}

export function range(from, to) {
  const [a, b] = [duration(from), duration(to)];
  return a === b ? t('eta.about', { a }) : t('eta.range', { a, b });
}

const two = (n) => String(n).padStart(2, '0');
/** What a clock that runs down shows. */
export function countdown(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000)), days = Math.floor(s / 86400);
  const clock = s >= 3600 ? [Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60].map(two).join(':') : `${Math.floor(s / 60)}:${two(s % 60)}`;
  return days ? `${unit(days, 'day')} ${clock}` : clock;
}

/** The visitor's own zone, for the visitor's own actions. Times of the venue are shown in its zone. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const zones = new Map();
function inZone(zone, dateStyle) {
  const key = `${zone} ${dateStyle}`;
  if (!zones.has(key)) {
    try {
      zones.set(key, new Intl.DateTimeFormat(locale, { dateStyle, timeStyle: 'short', timeZone: zone }));
    } catch { // a browser older than the zone
      zones.set(key, new Intl.DateTimeFormat(locale, { dateStyle, timeStyle: 'short', timeZone: 'UTC' }));
    }
  }
  return zones.get(key);
}

function zoneName(ms, timeZone, timeZoneName) {
  try {
    return new Intl.DateTimeFormat(locale, { timeZone, timeZoneName }).formatToParts(ms).find(({ type }) => type === 'timeZoneName').value;
  } catch { // a browser that does not know this kind of name
    return '';
  }
}

// "Vienna time, CEST". The city of an IANA name is English; other languages have their own words for the zone.
function zoneWords(ms, timeZone) {
  const short = zoneName(ms, timeZone, 'short'), city = timeZone.split('/').at(-1).replaceAll('_', ' ');
  if (!timeZone.includes('/') || timeZone.startsWith('Etc/')) return short;
  const wordy = ['shortGeneric', 'longGeneric'].map((kind) => zoneName(ms, timeZone, kind)).find((name) => name.includes(' '));
  return `${language === 'en' || !wordy ? t('time.zone', { city }) : wordy}, ${short}`;
}

/** Date, time and zone, as they are there. */
export function moment(ms, zone, dateStyle = 'full') {
  const format = inZone(zone ?? 'UTC', dateStyle);
  return `${format.format(ms)} (${zoneWords(ms, format.resolvedOptions().timeZone)})`;
}

document.documentElement.lang = language;
for (const element of document.querySelectorAll('[data-word]')) element.textContent = t(element.dataset.word);
for (const element of document.querySelectorAll('[data-word-label]')) element.setAttribute('aria-label', t(element.dataset.wordLabel));
for (const element of document.querySelectorAll('[data-word-placeholder]')) element.placeholder = t(element.dataset.wordPlaceholder);

const picker = document.getElementById('language');
if (picker) {
  for (const one of languages) picker.append(new Option(new Intl.DisplayNames(one, { type: 'language' }).of(one), one, false, one === language));
  picker.addEventListener('change', () => {
    storage.set('boxoffice.language', picker.value);
    location.reload();
  });
}
