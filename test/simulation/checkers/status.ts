/**
 * P13, P10: what status says is so.
 *
 * Every half hour the status document is read and compared.
 *
 * *With the tables*, always: how many deals there are in each state and held, how many rows each
 * feed lists, when its last sweep was complete, how old the oldest row is, that what was judged is
 * what its past says, and the pause. Left out when something was written meanwhile.
 * *With Keepa's books*, in quiet times: the refill rate, the capacity, and the balance, of which
 * status may believe less, and never more; after a quiet hour also what was spent in it, and
 * that nobody else spent. What was answered last was answered when it says.
 */
import type { StatusReport } from '../../../src/status/report-fields.ts';
import { dealStates } from '../../../src/store/ports.ts';
import type { Life, PortCall } from '../fault-life.ts';
import type { Tables } from '../fault-tables.ts';
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';
import { isInForce } from './pauses.ts';
import { statusDocument } from './status-document.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const quietMs = 20 * minuteMs;
/** From Keepa's bill to the ledger: an answer and its storing. */
const settledMs = 5_000;

type Figures = Readonly<Record<string, string | number | null>>;

interface Bill {
  readonly life: Life;
  readonly atMs: number;
  readonly tokens: number;
}

export class StatusChecker implements Checker {
  readonly #run: Watched;
  #bills: readonly Bill[] = [];
  /** The last two. */
  #answersAtMs: readonly number[] = [];

  constructor(run: Watched) {
    this.#run = run;
  }

  billed({ life, costTokens }: WireCall): void {
    const { nowMs } = this.#run;
    const lately = this.#bills.filter(({ atMs }) => atMs > nowMs - 2 * hourMs);
    this.#bills = [...lately, { life, atMs: nowMs, tokens: costTokens }];
  }

  done({ name }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    const { status } = value as { readonly status: number };
    if (status === 200) this.#answersAtMs = [...this.#answersAtMs.slice(-1), this.#run.nowMs];
  }

  async look(tables: Tables): Promise<void> {
    const before = this.#truth(tables);
    const report = await statusDocument(this.#run);
    if (report === undefined) return;
    const truth = this.#truth(tables);
    if (JSON.stringify(before) === JSON.stringify(truth)) {
      const wrong = differences(figuresIn(report), truth);
      if (wrong !== undefined) this.#run.fail('status-untrue', wrong);
    }
    const { nowMs, disturbedAtMs } = this.#run;
    // What changed at Keepa is believed when it was told twice; on a small plan answers are rare.
    const isKnown = (this.#answersAtMs.at(-2) ?? 0) > disturbedAtMs;
    if (!isKnown || nowMs - disturbedAtMs <= quietMs) return;
    const wrong = this.#untrueTokens(report);
    if (wrong !== undefined) this.#run.fail('status-tokens-untrue', wrong);
  }

  #truth(tables: Tables): Figures {
    const wallMs = this.#run.nowMs + this.#run.host.wallOffsetMs;
    const pause = tables.pause();
    const isPaused = pause !== undefined && isInForce(pause, wallMs);
    return { ...figuresOf(tables, wallMs), pause: isPaused ? endOf(pause.untilMs) : null };
  }

  /** What is wrong of what status says of tokens; undefined: nothing. */
  #untrueTokens({ tokens, lastSuccessAt }: StatusReport): string | undefined {
    const { world, host, keepa, nowMs, disturbedAtMs } = this.#run;
    const { ratePerMinute } = world;
    const said = { refillRate: tokens.refillRate, capacity: tokens.capacity };
    const truth = { refillRate: ratePerMinute, capacity: 60 * ratePerMinute };
    const wrong = differences(said, truth);
    if (wrong !== undefined) return wrong;
    if (host.current?.daemon?.sources().broker()?.inFlight !== undefined) return undefined;
    const { balance } = tokens;
    const most = keepa.balance(nowMs);
    if (balance === null || balance > most || balance < most - 2 * ratePerMinute) {
      return `balance ${balance}, in truth ${most}`;
    }
    const answeredMs = Math.abs(Date.parse(lastSuccessAt ?? '') - (this.#answersAtMs.at(-1) ?? 0));
    if (!(answeredMs <= settledMs))
      return `lastSuccessAt ${lastSuccessAt}, off by ${answeredMs} ms`;
    return nowMs - disturbedAtMs > hourMs + quietMs ? this.#untrueHour(tokens) : undefined;
  }

  #untrueHour({ spentLastHour, unexplained }: StatusReport['tokens']): string | undefined {
    const { nowMs, host, world } = this.#run;
    const life = host.current?.life;
    const spentWithin = (fromMs: number, untilMs: number): number =>
      this.#bills
        .filter((bill) => bill.life === life && bill.atMs > fromMs && bill.atMs <= untilMs)
        .reduce((sum, { tokens }) => sum + tokens, 0);
    const least = spentWithin(nowMs - hourMs + settledMs, nowMs - settledMs);
    const most = spentWithin(nowMs - hourMs - settledMs, nowMs);
    if (spentLastHour < least || spentLastHour > most) {
      return `spentLastHour ${spentLastHour}, in truth ${least} to ${most}`;
    }
    const isExplained = unexplained !== null && unexplained <= world.ratePerMinute;
    return isExplained ? undefined : `unexplained ${unexplained}, and nobody else spent`;
  }
}

/** What is said otherwise than it is; undefined: nothing. */
function differences(said: Figures, truth: Figures): string | undefined {
  const wrong = Object.keys({ ...said, ...truth }).filter((name) => said[name] !== truth[name]);
  if (wrong.length === 0) return undefined;
  return wrong.map((name) => `${name} ${said[name]}, in truth ${truth[name]}`).join('; ');
}

function endOf(untilMs: number | null | undefined): string {
  return untilMs === null || untilMs === undefined ? 'no end' : new Date(untilMs).toISOString();
}

function figuresIn({ deals, feeds, judging, freshness, pause }: StatusReport): Figures {
  const { held, total, ...states } = deals;
  const listed = feeds.flatMap(({ name, rows, lastSweepAt }) => [
    [`${name}: rows`, rows] as const,
    [`${name}: last sweep`, lastSweepAt] as const,
  ]);
  return {
    ...{ ...states, total, held, processed: judging.processed, maxAgeMs: freshness.maxMs },
    ...Object.fromEntries(listed),
    pause: pause === null ? null : (pause.until ?? endOf(null)),
  };
}

/** The same from the tables, each counted in another way than the daemon counts it. */
function figuresOf(tables: Tables, wallMs: number): Figures {
  const deals = tables.deals();
  const live = new Map(
    deals.filter(({ state }) => state !== 'ended').map((deal) => [deal.id, deal]),
  );
  const listings = tables.listings().filter(({ dealId }) => live.has(dealId));
  const sweeps = tables.completeSweeps().toSorted((a, b) => a.number - b.number);
  const states = dealStates.map((name) => [
    name,
    deals.filter(({ state }) => state === name).length,
  ]);
  const feeds = tables.all<{ name: string; sinceMs: number }>(
    'select name, configured_at_ms as sinceMs from feeds',
  );
  const listed = feeds.flatMap(({ name, sinceMs }) => {
    // What a clock that was set back dates before the feed was there counts as another query's.
    const sweep = sweeps.findLast(({ feed, endedAtMs }) => feed === name && endedAtMs >= sinceMs);
    const sweptAt = sweep === undefined ? null : new Date(sweep.endedAtMs).toISOString();
    return [
      [`${name}: rows`, listings.filter(({ feed }) => feed === name).length] as const,
      [`${name}: last sweep`, sweptAt] as const,
    ];
  });
  const seenMs = [...live.values()].map(({ lastSeenAtMs }) => lastSeenAtMs);
  return {
    ...Object.fromEntries(states),
    total: deals.length,
    held: deals.filter(({ heldAtMs }) => heldAtMs !== null).length,
    processed: tables.processedRows(),
    maxAgeMs: seenMs.length === 0 ? null : Math.max(0, wallMs - Math.min(...seenMs)),
    ...Object.fromEntries(listed),
  };
}
