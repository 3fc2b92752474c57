// SPDX-License-Identifier: Apache-2.0
// What the model does not ask for yet, because the answer is known to be wrong. The table shrinks as these are mended, and has to be empty.
export const open = {
  // A second primary is lost before PostgreSQL has a record of its epoch: the third begins behind the same gap, and gives out again what the second told.
  epochLost: true,
};
