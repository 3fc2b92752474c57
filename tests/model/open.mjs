// SPDX-License-Identifier: Apache-2.0
// What the model does not ask for yet, because the answer is known to be wrong. The table shrinks as these are mended, and has to be empty.
export const open = {
  lostCommits: true,       // PostgreSQL without its last commits
  lateRecords: true,       // records that were put aside are written behind later ones
  restoredSettings: true,  // settings whose record was lost with Redis
  hooks: true,             // a webhook is deleted while a batch is written
  tamper: true,            // the reconciler sees every table
  manyKeys: true,          // an old key repeated after many others
};
