// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, openBrowser, shows } from '../lib/browser.mjs';
import { startBoxoffice } from '../lib/servers.mjs';

const wordIs = (page, pattern) => page.waitForFunction((source) => new RegExp(source).test(document.getElementById('word').textContent), pattern.source);

test('a sale for accounts: sign up, in line, log out; a wrong password is said', async (t) => {
  const world = await startBoxoffice(t, { settings: { guests: false } });
  const { page } = await openBrowser(t, { allow: [/status of 401/] });
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'login');
  await page.picture('20-login');
  await accessible(page);
  await page.click('#login-link');
  await page.fill('#email', 'ada@example.org');
  await page.fill('#password', 'correct horse');
  await page.click('button[value="login"]');
  await wordIs(page, /do not belong together/);
  await page.click('button[value="signup"]');
  await shows(page, 'inside');
  await page.picture('21-account');
  await accessible(page);
  await page.click('#back');
  await shows(page, 'choose');
  await page.goto(`${world.url}/account.html`);
  await page.click('summary');
  await page.fill('#old', 'correct horse');
  await page.fill('#new', 'battery staple');
  await page.click('#change button');
  await wordIs(page, /is changed/);
  await page.click('#logout');
  await shows(page, 'outside');
  await page.goto(`${world.url}/?sale=hall`);
  await shows(page, 'choose'); // his place belongs to this browser until it is over
});

test('the link of the mail sets a new password, once, and does not stay in the history', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await fetch(`${world.url}/api/accounts`, { method: 'POST', body: JSON.stringify({ email: 'ada@example.org', password: 'correct horse' }) });
  await world.postgres.query("INSERT INTO password_resets (token, account) SELECT encode(sha256('r:link'), 'hex'), id FROM accounts");
  const { page } = await openBrowser(t, { allow: [/status of 401/] });
  for (const [word, link] of [[/is set/, '#r:link'], [/used already/, '?again#r:link']]) {
    await page.goto(`${world.url}/reset.html${link}`);
    assert.equal(new URL(page.url()).hash, '');
    await page.fill('#password', 'battery staple');
    await page.click('button');
    await wordIs(page, word);
  }
  await page.picture('22-reset');
  await accessible(page);
});
