// SPDX-License-Identifier: Apache-2.0
// What the model does not ask for yet, because the answer is known to be wrong. The table shrinks as these are mended, and has to be empty.
export const open = {
  tamper: true,            // the reconciler sees every table
  lateRecords: true,       // records that were put aside are written behind later ones
  manyKeys: true,          // an old key repeated after many others
};
