/**
 * Gathers what the metrics are made of, at one moment: the status report and what only counts.
 */
import type { BrokerSnapshot } from '../broker/request.ts';
import type { LoopLagFigures } from '../runtime/loop-lag.ts';
import type { LoopProgress } from '../runtime/pulse.ts';
import type { FileBytes } from '../store/ports.ts';
import { type Health, healthOf } from './health.ts';
import { buildReport } from './report.ts';
import type { StatusReport } from './report-fields.ts';
import type { StatusSources } from './sources.ts';
import type { TallyFigures } from './tally.ts';

export interface MetricFacts {
  readonly report: StatusReport;
  readonly instance: string;
  readonly stopped: BrokerSnapshot['stopped'];
  readonly tally: TallyFigures;
  readonly watched: readonly LoopProgress[];
  readonly health: Health;
  readonly files: FileBytes;
  readonly lag: LoopLagFigures | undefined;
}

/** Reads only. @throws what the store throws. */
export async function gatherFacts(
  sources: StatusSources,
  takeLag: () => LoopLagFigures | undefined,
): Promise<MetricFacts> {
  const report = await buildReport(sources);
  return {
    report,
    instance: sources.instance,
    stopped: sources.broker()?.stopped,
    tally: sources.tally(),
    watched: sources.progress(),
    health: healthOf(sources),
    files: await sources.reader.fileBytes(),
    lag: takeLag(),
  };
}
