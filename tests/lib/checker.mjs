// SPDX-License-Identifier: Apache-2.0
// What must hold of any way of giving out stock or of admitting people, whoever implements it. The suites hold the real
// scripts against it; wrong_ways.test.mjs holds known wrong ways against it, and each must be caught (rule T1).

// grants: who was told that he has something; seats may be ids or null for counted stock. left: what the store says is left.
export function checkGrants({ stock, left, grants, limit = Infinity }) {
  const violations = [];
  if (grants.length > stock) violations.push(`oversold: ${grants.length} grants of ${stock}`);
  if (left !== undefined && left !== stock - grants.length) violations.push(`the store says ${left} are left, told were ${grants.length} of ${stock}`);
  const seats = grants.map((grant) => grant.seat).filter((seat) => seat !== undefined);
  if (new Set(seats).size !== seats.length) violations.push('the same seat was given to two people');
  const perPerson = new Map();
  for (const { person } of grants) perPerson.set(person, (perPerson.get(person) ?? 0) + 1);
  for (const [person, count] of perPerson) if (count > limit) violations.push(`${person} has ${count}, allowed are ${limit}`);
  return violations;
}

// Everyone who joined is waiting, inside or out with a reason; nobody is in two places, nobody in none.
export function checkPeople({ joined, waiting, active, out = [] }) {
  const violations = [];
  for (const person of joined) {
    const places = [waiting, active, out].filter((list) => list.includes(person)).length;
    if (places === 0) violations.push(`${person} is lost`);
    if (places > 1) violations.push(`${person} is in ${places} places`);
  }
  return violations;
}

// admissions: [{at, count}]: no interval of this length, wherever it starts, has more than allowed.
export function checkRate({ admissions, count, ms }) {
  const violations = [];
  for (const { at } of admissions) {
    const sum = admissions.filter((a) => a.at >= at && a.at < at + ms).reduce((total, a) => total + a.count, 0);
    if (sum > count) violations.push(`${sum} admitted within ${ms} ms, allowed are ${count}`);
  }
  return violations;
}
