// SPDX-License-Identifier: Apache-2.0
// Solves the puzzle of docs/protocol.md in a worker: finds a nonce for which SHA-256("challenge:nonce") begins with so many
// zero bits. SHA-256 by FIPS 180-4; crypto.subtle would cost a promise per try and is missing without https.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const H = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
const w = new Int32Array(64);

// Of a message of up to 55 bytes, in one block of 16 words; returns the first word.
function firstWord(block) {
  for (let i = 0; i < 16; i++) w[i] = block[i];
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15], y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = H;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  return (a + H[0]) | 0;
}

const PAUSE_EVERY = 512;

// Yields the nonce, once it is found, and nothing after every so many tries.
function* tries(challenge, bits) {
  const block = new Int32Array(16);
  for (let n = 0; ; n++) {
    const text = `${challenge}:${n.toString(36)}`;
    block.fill(0);
    for (let i = 0; i < text.length; i++) block[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
    block[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
    block[15] = text.length * 8;
    if (firstWord(block) >>> (32 - bits) === 0) yield n.toString(36);
    else if (n % PAUSE_EVERY === 0) yield null;
  }
}

export function solve(challenge, bits) {
  for (const nonce of tries(challenge, bits)) if (nonce) return nonce;
  return null;
}

// In a worker, or, where none can be made (this file came from another origin), a bit at a time beside what the page does.
export async function solveAside({ challenge, bits }) {
  if (!bits) return { challenge, nonce: '0' };
  try {
    return await new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./puzzle.js', import.meta.url), { type: 'module' });
      worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
      worker.onerror = reject;
      worker.postMessage({ challenge, bits });
    });
  } catch {
    const search = tries(challenge, bits);
    for (;;) {
      const until = performance.now() + 8;
      while (performance.now() < until) {
        const { value } = search.next();
        if (value) return { challenge, nonce: value };
      }
      await new Promise((resume) => { setTimeout(resume); });
    }
  }
}

if (typeof WorkerGlobalScope !== 'undefined') onmessage = ({ data: { challenge, bits } }) => postMessage({ challenge, nonce: solve(challenge, bits) });
