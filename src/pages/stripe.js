// SPDX-License-Identifier: Apache-2.0
// Stripe's own payment element, where the operator has chosen Stripe; its script may only come from Stripe.
import { $ } from './dom.js';
import { t } from './words.js';

const loadScript = () => new Promise((resolve, reject) => {
  if (globalThis.Stripe) return resolve();
  const script = Object.assign(document.createElement('script'), { src: 'https://js.stripe.com/v3/', onload: resolve, onerror: reject });
  document.head.append(script);
});

export async function payByStripe({ client_secret: clientSecret, publishable_key: key }) {
  await loadScript();
  const stripe = globalThis.Stripe(key), elements = stripe.elements({ clientSecret });
  elements.create('payment').mount('#stripe-element');
  $('stripe').hidden = false;
  $('stripe').onsubmit = async (event) => {
    event.preventDefault();
    $('pay-refusal').textContent = t('pay.waiting');
    const { error } = await stripe.confirmPayment({ elements, redirect: 'if_required', confirmParams: { return_url: location.href } });
    $('pay-refusal').textContent = error ? error.message : t('pay.waiting'); // "bought" comes by the line
  };
}
