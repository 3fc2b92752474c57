// SPDX-License-Identifier: Apache-2.0
// What the model does not ask for yet, because the answer is known to be wrong. The table shrinks as these are mended, and has to be empty.
export const open = {
  amountOnly: true,        // refunds of an amount and no seat
  refundIds: true,         // the same refund id for several orders, or the id of a payment
  sharedOrderIds: true,    // both sales use the same order ids
  wholeAmountForOne: true, // the whole amount back for a part of the seats
  freeOrders: true,        // orders of 0
  unknownOrders: true,     // money for an order that nobody knows
  namedOrders: true,       // checkout under an id that came from outside
  checkIn: true,
  otherStatuses: true,     // sold out, or a refund, while the operator's status is another than open
  currency: true,
  manyKeys: true,          // an old key repeated after many others
};
