/**
 * The status document as the process at work would give it now: what `status --json` prints.
 */
import { buildReport } from '../../../src/status/report.ts';
import type { StatusReport } from '../../../src/status/report-fields.ts';
import type { Watched } from './checker.ts';

/** Undefined while no process is at work. */
export async function statusDocument({ host }: Watched): Promise<StatusReport | undefined> {
  const { current } = host;
  if (current?.daemon === undefined || current.store === undefined) return undefined;
  const { reader } = current.store;
  const leases = current.coordination?.leases;
  return await buildReport({
    ...current.daemon.sources(),
    reader,
    leases: async () => (await leases?.list()) ?? [],
  });
}
