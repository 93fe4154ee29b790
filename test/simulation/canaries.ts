/**
 * Canaries: small deliberate bugs, each of which the simulator must catch.
 *
 * A checker that never fails proves nothing. Each entry replaces one piece of one source text
 * before that module is compiled, so the bug lives in the daemon as it is run and nowhere else. Its
 * scenario is clean without the bug, and must report it within the stated number of seeds.
 */

export type ScenarioName =
  | 'peace'
  | 'scarce'
  | 'shares'
  | 'narrow'
  | 'poor'
  | 'busy'
  | 'crashes'
  | 'silent-deaths'
  | 'lock-file'
  | 'pauses'
  | 'restarts'
  | 'outage'
  | 'vanished'
  | 'refusals'
  | 'partial'
  | 'resets'
  | 'stranger'
  | 'two-plans';

export interface Canary {
  /** The promise that it breaks. */
  readonly promise: string;
  /** Below `src/`. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The failure codes of which one has to come. */
  readonly codes: readonly string[];
  readonly scenario: ScenarioName;
  /** It is caught within so many seeds, counted from 1. */
  readonly seeds: number;
}

export const canaries: Readonly<Record<string, Canary>> = {
  'failed-write-taken-for-done': {
    promise: 'P1',
    file: 'broker/storing.ts',
    find: "if (isFinal(error) || signal.aborted) return { kind: 'given-up', why };",
    replace: "if (isFinal !== undefined) return { kind: 'stored' };",
    codes: ['P1-lost-row'],
    scenario: 'busy',
    seeds: 1,
  },
  'checkpoint-before-rows': {
    promise: 'P2',
    file: 'actors/listing.ts',
    find: 'const rows = page.rows.map((row) => screened(row, feed, costs));',
    replace:
      'const rows = page.rows.map((row) => screened(row, feed, costs)); await order.afterStore();',
    codes: ['P2-checkpoint-ahead'],
    scenario: 'peace',
    seeds: 1,
  },
  'refill-one-too-many': {
    promise: 'P3',
    file: 'broker/token-bucket.ts',
    find: 'nextLumpAtMs: flight.receivedAtMs + untilRefillMs + ahead * projectedTickMs,',
    replace: 'nextLumpAtMs: flight.receivedAtMs + ahead * projectedTickMs,',
    codes: ['P3-below-floor', 'P3-own-429'],
    scenario: 'peace',
    seeds: 1,
  },
  'hold-released-twice': {
    promise: 'P3',
    file: 'broker/token-account.ts',
    find: 'this.#books = { bucket, credits: settleAt(credits, hold, costTokens) };',
    replace:
      'this.#books = { bucket, credits: settleAt(settleAt(credits, hold, 0), hold, costTokens) };',
    codes: ['P3-below-floor', 'P3-own-429', 'daemon-fault'],
    scenario: 'peace',
    seeds: 1,
  },
  'share-ignored': {
    promise: 'P4',
    file: 'broker/credits.ts',
    find: 'const claim = perClass((name) => before.owed[name] + shares[name] * amount);',
    replace:
      'const all = { interactive: 100 } as Partial<Record<string, number>>; ' +
      'const claim = perClass((name) => before.owed[name] + (all[name] ?? 0) * amount);',
    codes: ['P4-bound', 'P4-share'],
    scenario: 'shares',
    seeds: 1,
  },
  'head-among-batches': {
    promise: 'P4',
    file: 'actors/upserter.ts',
    find: "spendClass: 'head',",
    replace: "spendClass: 'upsert',",
    codes: ['P4-head'],
    scenario: 'poor',
    seeds: 1,
  },
  'refill-not-counted': {
    promise: 'P5',
    file: 'broker/token-bucket.ts',
    find: 'return Math.max(0, lowerRate(bucket) - bucket.flowReduction);',
    replace: 'return Math.max(0, bucket.flowReduction - lowerRate(bucket));',
    codes: ['P5-idle-tokens'],
    scenario: 'peace',
    seeds: 1,
  },
  'cap-skims-to-nobody': {
    promise: 'P5',
    file: 'broker/credits.ts',
    find: `    credit: perClass((name) => before.credit[name] - excess[name]),
    commons: before.commons + sumOf(excess),`,
    replace: `    credit: perClass(
      (name) => before.credit[name] - excess[name] + (name === 'interactive' ? sumOf(excess) : 0),
    ),
    commons: before.commons,`,
    codes: ['P5-idle-tokens', 'P5-expired'],
    scenario: 'narrow',
    seeds: 1,
  },
  'fence-unchecked': {
    promise: 'P6',
    file: 'store/open-store.ts',
    find: 'await checkFence(trx, fences);',
    replace: '',
    codes: ['P6-stale-write'],
    scenario: 'pauses',
    seeds: 1,
  },
  'dead-owner-respected': {
    promise: 'P7',
    file: 'coordination/embedded-leases.ts',
    find: 'return !this.#judge.isProvablyDead(holder);',
    replace: 'return true;',
    codes: ['P7-takeover'],
    scenario: 'lock-file',
    seeds: 1,
  },
  'lease-never-expires': {
    promise: 'P7',
    file: 'coordination/embedded-leases.ts',
    find: 'if (isSameOwner(holder, owner) || this.#remainingMs(held) <= 0) return false;',
    replace: 'if (isSameOwner(holder, owner)) return false;',
    codes: ['P7-takeover'],
    scenario: 'silent-deaths',
    seeds: 1,
  },
  'expiry-by-wall-time': {
    promise: 'P8',
    file: 'actors/healthy-time.ts',
    find: 'return { watch: { decidedUntilMs, wallMs, monotonicMs }, healthyMs };',
    replace: 'return { watch: beginWatch(look), healthyMs: wallMs - watch.wallMs };',
    codes: ['P8-ended-early', 'P8-ended-unseen'],
    scenario: 'outage',
    seeds: 1,
  },
  'brake-off': {
    promise: 'P8',
    file: 'actors/janitor.ts',
    find: 'const endedPartMax = 0.2;',
    replace: 'const endedPartMax = 1;',
    codes: ['P8-brake'],
    scenario: 'vanished',
    seeds: 1,
  },
  '429-as-end-of-data': {
    promise: 'P9',
    file: 'keepa/wire-answer.ts',
    find: "if (status === 429) return { kind: 'refused', envelope };",
    replace: `if (status === 429 && envelope !== undefined && call.endpoint === 'deal') {
      return { kind: 'answered', answer: { rows: [], wireRows: 0, faults: [] } as never, envelope };
    }
    if (status === 429) return { kind: 'refused', envelope };`,
    codes: ['P9-end-of-data'],
    scenario: 'refusals',
    seeds: 1,
  },
  'missing-as-rejected': {
    promise: 'P9',
    file: 'actors/product-purchase.ts',
    find: `    if (typeof product === 'string') {
      retries.push(retryOf(row, atMs, product));`,
    replace: `    if (typeof product === 'string') {
      const none = { sales1y: 0, salesCount: 0, offerDrops: 0, sane: 0, marks: [] };
      const verdict = { verdict: 'rejected', reason: 'missing', ruleVersion: 1 };
      judged.push({ ...keyOf(row), because: 'new', ...verdict, ...none } as never);`,
    codes: ['P9-rejected-on-fault'],
    scenario: 'partial',
    seeds: 1,
  },
  'ledger-line-lost': {
    promise: 'P10',
    file: 'broker/channel.ts',
    find: 'await this.#store(() => record(landed.entry, landed.learned));',
    replace:
      'if (landed.entry.items < 5) await this.#store(() => record(landed.entry, landed.learned));',
    codes: ['P10-ledger'],
    scenario: 'peace',
    seeds: 1,
  },
  'stop-forgets-the-ledger': {
    promise: 'P10',
    file: 'daemon.ts',
    find: 'this.#pulses.ofWrite((...line: Line) => writer.recordRequest(...line))',
    replace: `this.#pulses.ofWrite((...line: Line) =>
      this.#phase.name === 'stopping' ? Promise.resolve() : writer.recordRequest(...line))`,
    codes: ['P10-ledger'],
    scenario: 'restarts',
    seeds: 1,
  },
  'drain-unreported': {
    promise: 'P10',
    file: 'broker/token-account.ts',
    find: 'this.#drained.add(flight.receivedAtMs, drained.rest + rounding);',
    replace: 'this.#drained.add(flight.receivedAtMs, rounding);',
    codes: ['P10-unreported'],
    scenario: 'stranger',
    seeds: 1,
  },
  'key-in-error': {
    promise: 'P11',
    file: 'simulator/in-process.ts',
    find: "else reject(new TransportError('connection reset', { sent: true }));",
    replace:
      "else reject(new TransportError('reset: ' + request.path + '?key=' + key, { sent: true }));",
    codes: ['P11-key'],
    scenario: 'resets',
    seeds: 1,
  },
  'stop-forgets-in-flight': {
    promise: 'P12',
    file: 'broker/token-broker.ts',
    find: 'const drainMsMax = 20_000;',
    replace: 'const drainMsMax = 0;',
    codes: ['P12-forgotten'],
    scenario: 'restarts',
    seeds: 1,
  },
  'stop-without-end': {
    promise: 'P12',
    file: 'broker/token-broker.ts',
    find: 'await this.#idle.promise;',
    replace: 'await this.#idle.promise.then(() => new Promise(() => undefined));',
    codes: ['P12-stop'],
    scenario: 'restarts',
    seeds: 1,
  },
  'stalled-when-waiting': {
    promise: 'P13',
    file: 'status/state.ts',
    find: 'const idleMs = broker.startableForMs ?? 0;',
    replace:
      'const waits = Object.values(broker.classes).map(({ oldestWaitMs }) => oldestWaitMs ?? 0); ' +
      'const idleMs = Math.max(...waits);',
    codes: ['P13-false-stall'],
    scenario: 'scarce',
    seeds: 1,
  },
  'stalled-shown-as-waiting': {
    promise: 'P13',
    file: 'status/state.ts',
    find: 'reason: waitReason(broker, queued), nextActionAtMs: nextAtMs };',
    replace: 'reason: waitReason(broker, queued), nextActionAtMs: nowMs - 10 * tickMs };',
    codes: ['P13-waiting-stalled'],
    scenario: 'scarce',
    seeds: 1,
  },
  'capacity-divided-by-rate': {
    promise: 'P14',
    file: 'broker/token-bucket.ts',
    find: 'return capacityMinutes * bucket.rate;',
    replace: 'return Math.ceil(capacityMinutes / bucket.rate);',
    codes: ['P14-fewer-deals'],
    scenario: 'two-plans',
    seeds: 1,
  },
  'deals-counted-twice': {
    promise: 'reconcile',
    file: 'store/deal-counts.ts',
    find: 'for (const { state, rows } of counted) counts[state] = rows;',
    replace:
      "const twice = (state: string) => (state === 'rejected' ? 2 : 1); " +
      'for (const { state, rows } of counted) counts[state] = twice(state) * rows;',
    codes: ['reconcile'],
    scenario: 'peace',
    seeds: 1,
  },
  'rejection-counted-twice': {
    promise: 'reconcile',
    file: 'store/judging-counts.ts',
    find: 'rows: (alike.get(key)?.rows ?? 0) + 1 });',
    replace: "rows: (alike.get(key)?.rows ?? 0) + (verdict === 'rejected' ? 2 : 1) });",
    codes: ['store-refuses'],
    scenario: 'peace',
    seeds: 1,
  },
};
