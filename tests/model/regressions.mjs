// SPDX-License-Identifier: Apache-2.0
// Sequences at which the reference and the real system once disagreed, made short. until: what has to be mended first (open.mjs).
export const regressions = [
  { name: 'P5 the head got over people without a connection: those who left behind it are no difference',
    steps: [
      { do: 'join', sale: 0, k: 0, flag: '1' },
      { do: 'drop', sale: 0, k: 0 },
      { do: 'pass', sale: 0, k: 0, ms: 20 },
      { do: 'join', sale: 0, k: 1, flag: '1' },
      { do: 'drop', sale: 0, k: 0 },
      { do: 'pass', sale: 0, k: 0, ms: 9000 },
      { do: 'quiet', sale: 0, k: 0 },
    ] },
  { name: 'P5 a wish for fewer people that is over before it began is no difference',
    steps: [{ do: 'brake', sale: 0, k: 0, percent: 0, ms: 0 }, { do: 'quiet', sale: 0, k: 0 }] },
  { name: 'P2 the operator’s status holds after a loss of Redis that took its record along',
    steps: [{ do: 'quiet', sale: 0, k: 0 }, { do: 'status', sale: 0, k: 0, status: 'paused' }, { do: 'lose', sale: 0, k: 0 }, { do: 'quiet', sale: 0, k: 0 }] },
  { name: 'P7 P8 a replica whose history did not go on, and was longer, is no gap',
    steps: [{ do: 'come', sale: 1, k: 0 }, { do: 'quiet', sale: 0, k: 0 }, ...[0, 1, 2, 3, 4, 5].map((seat) => ({ do: 'block', sale: 1, k: 0, seats: [seat] })),
      { do: 'lag', sale: 0, k: 0 }, { do: 'lose', sale: 0, k: 0 }, { do: 'failover', sale: 0, k: 0, whole: false, stale: false }] },
];
