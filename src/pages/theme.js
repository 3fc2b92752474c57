// SPDX-License-Identifier: Apache-2.0
// A sale's own colour and logo (settings color, logo). The text on the colour is black or white, whichever is read better.
import { $ } from './dom.js';
import { inkOn } from './map.js';

export function wear({ color, logo, title, name }) {
  const style = document.documentElement.style;
  if (/^#[0-9a-f]{6}$/i.test(color ?? '')) {
    style.setProperty('--accent', color);
    style.setProperty('--on-accent', inkOn(color));
  }
  if (logo) {
    $('logo').addEventListener('error', () => { $('logo').hidden = true; });
    $('logo').src = logo;
    $('logo').hidden = false;
  }
  document.title = title || name;
}
