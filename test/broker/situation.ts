/** Situations for the pure parts: who is queued, what each class has, how fast tokens come. */
import type { Situation } from '../../src/broker/admission.ts';
import { CostModel } from '../../src/broker/cost-model.ts';
import { perClass } from '../../src/broker/credits.ts';
import type { SpendClass } from '../../src/broker/request.ts';
import { RequestQueue } from '../../src/broker/request-queue.ts';
import { openBucket } from '../../src/broker/token-bucket.ts';
import type { KeepaCall } from '../../src/keepa/call.ts';
import { shares } from './broker-world.ts';

export interface Sketch {
  readonly rate?: number;
  /** Whole tokens per class; what is not named is 0. */
  readonly credit?: Partial<Record<SpendClass, number>>;
  readonly commons?: number;
  /** Default: credits and commons together, so that the books close. */
  readonly balance?: number;
  readonly deficitFloor?: number;
  readonly queued?: readonly (readonly [SpendClass, KeepaCall])[];
  readonly costs?: CostModel;
  readonly heldTokens?: number;
  readonly nowMs?: number;
}

/** The situation at `nowMs` (default 0), the next lump 60 s later. */
export function situationOf(sketch: Sketch): Situation<string> {
  const { rate = 5, credit = {}, commons = 0, deficitFloor = 0, queued = [], nowMs = 0 } = sketch;
  const { heldTokens = 0, costs = new CostModel() } = sketch;
  const queue = new RequestQueue<string>();
  for (const [spendClass, call] of queued) {
    queue.add({ spendClass, call, payload: spendClass, nowMs });
  }
  const own = Object.values(credit).reduce((sum, tokens) => sum + tokens, 0);
  const balance = sketch.balance ?? own + commons + heldTokens + deficitFloor;
  const bucket = openBucket(
    {
      asOfMs: 0,
      processingMs: 0,
      balance,
      refillRate: rate,
      flowReduction: 0,
      nextRefillAtMs: 60_000,
      costTokens: 0,
    },
    { sentAtMs: nowMs, receivedAtMs: nowMs },
  );
  return {
    queue,
    credits: {
      credit: perClass((name) => Math.round((credit[name] ?? 0) * 100)),
      commons: Math.round(commons * 100),
      owed: perClass(() => 0),
    },
    bucket,
    costs,
    policy: { shares, deficitFloor },
    heldTokens,
    nowMs,
  };
}
