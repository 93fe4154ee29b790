/**
 * How fast the admission core decides, as a ratio to the least that any limiter must do.
 *
 * The reference is a bare check of a balance against a cost, in a loop over the same requests: a
 * machine's speed cancels out of the ratio, and both are measured in turn in one process.
 */
import { decide } from '../../src/broker/admission.ts';
import { spendClasses } from '../../src/broker/request.ts';
import type { KeepaCall } from '../../src/keepa/call.ts';
import { dealCall, productCall } from '../broker/broker-world.ts';
import { situationOf } from '../broker/situation.ts';

const rounds = 5;
const roundMs = 300;
const callsPerLook = 1_000;

export interface DecisionSpeeds {
  readonly decisionsPerSecond: number;
  readonly checksPerSecond: number;
  /** How many bare checks one decision costs. */
  readonly ratio: number;
}

/** Every class has a head: a page, a history batch, a batch with offers. Nobody can go at first. */
export function measureDecisions(): DecisionSpeeds {
  const calls: readonly KeepaCall[] = [
    productCall(1, 20),
    dealCall,
    productCall(10, 20),
    productCall(100),
    dealCall,
  ];
  const queued = spendClasses.map((name, i) => [name, calls[i] ?? dealCall] as const);
  const situations = [0, 3, 8, 20, 60, 200].map((tokens) =>
    situationOf({ rate: 5, queued, commons: tokens }),
  );
  let admitted = 0;
  let at = 0;
  const decideOne = (): void => {
    const situation = situations[at % situations.length];
    at += 1;
    if (situation !== undefined && decide(situation).kind === 'admit') admitted += 1;
  };
  const costs = [8, 5, 73, 100, 5];
  const balances = [0, 3, 8, 20, 60, 200];
  let affordable = 0;
  const checkOne = (): void => {
    const balance = balances[at % balances.length] ?? 0;
    at += 1;
    for (const cost of costs) if (cost <= balance) affordable += 1;
  };
  const [decisions, checks] = [Array.of<number>(), Array.of<number>()];
  for (let round = 0; round <= rounds; round += 1) {
    const [decided, checked] = [perSecond(decideOne), perSecond(checkOne)];
    // The first round warms up.
    if (round > 0) {
      decisions.push(decided);
      checks.push(checked);
    }
  }
  if (admitted + affordable === 0) throw new Error('nothing was ever admitted');
  const [decisionsPerSecond, checksPerSecond] = [median(decisions), median(checks)];
  return { decisionsPerSecond, checksPerSecond, ratio: checksPerSecond / decisionsPerSecond };
}

function perSecond(work: () => void): number {
  const startedMs = performance.now();
  let calls = 0;
  let tookMs = 0;
  while (tookMs < roundMs) {
    for (let i = 0; i < callsPerLook; i += 1) work();
    calls += callsPerLook;
    tookMs = performance.now() - startedMs;
  }
  return (1_000 * calls) / tookMs;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
