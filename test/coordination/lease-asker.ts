/**
 * A process that waits for a line on stdin, then opens the coordination file given as its first
 * argument and asks for the lease as the instance given as its second. Prints what it got.
 */
import { createInterface } from 'node:readline';
import { openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';

const [path = '', instance = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
for await (const _line of createInterface({ input: process.stdin })) {
  const coordination = await openEmbeddedCoordination({
    path,
    clock: { now: () => 0 },
    bootClock: { bootId: 'boot-1', sinceBootMs: () => 0 },
    host: 'host-1',
    isProvablyDead: () => false,
    onNotice: (notice) => process.stderr.write(`${notice}\n`),
  });
  const owner = ownerNamed(instance);
  const options = { owner, ttlMs: 30_000, fenceFloor: 0, doing: 'asking' };
  const taken = await coordination.leases.acquire('daemon', options);
  process.stdout.write(taken.granted ? `granted ${taken.fence}\n` : 'refused\n');
  await coordination.close();
}
