// SPDX-License-Identifier: Apache-2.0
// Elements. Whatever comes from outside goes in as text, never as markup.
export const $ = (id) => document.getElementById(id);

/** make('li', { class: 'event' }, 'text', otherElement, …); a listener is { click: fn }. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

/** Shows the text, or hides the element where there is none. */
export function say(id, text) {
  $(id).textContent = text ?? '';
  $(id).hidden = !text;
}
