// SPDX-License-Identifier: Apache-2.0
// The processes of a boxoffice that runs.
import { execFileSync } from 'node:child_process';

export const childrenOf = (world, kind) =>
  execFileSync('sh', ['-c', `pgrep -P ${world.child.pid} -f ' ${kind}' || true`], { encoding: 'utf8' }).trim().split('\n').filter(Boolean).map(Number);
