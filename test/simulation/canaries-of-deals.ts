/** Canaries: what a broken store or actor does to the rows. */
import type { Canaries } from './canary.ts';

export const dealCanaries: Canaries = {
  'failed-write-taken-for-done': {
    promise: 'P1',
    file: 'broker/storing.ts',
    find: "if (isFinal(error) || signal.aborted) return { kind: 'given-up', why };",
    replace: "if (isFinal !== undefined) return { kind: 'stored' };",
    code: 'P1-lost-row',
    scenario: 'busy',
    seeds: 1,
  },
  'checkpoint-before-rows': {
    promise: 'P2',
    file: 'actors/listing.ts',
    find: 'const rows = page.rows.map((row) => screened(row, feed, costs));',
    replace:
      'const rows = page.rows.map((row) => screened(row, feed, costs)); await order.afterStore();',
    code: 'P2-checkpoint-ahead',
    scenario: 'peace',
    seeds: 1,
  },
  'expiry-by-wall-time': {
    promise: 'P8',
    file: 'actors/healthy-time.ts',
    find: 'return { watch: { decidedUntilMs, wallMs, monotonicMs }, healthyMs };',
    replace: 'return { watch: beginWatch(look), healthyMs: wallMs - watch.wallMs };',
    code: 'P8-ended-early',
    scenario: 'outage',
    seeds: 1,
  },
  'expiry-while-paused': {
    promise: 'P8',
    file: 'actors/healthy-time.ts',
    find: 'return { watch: beginWatch({ wallMs, monotonicMs }), healthyMs: 0 };',
    replace: 'return { watch: beginWatch(look), healthyMs: isHalted ? wallMs - watch.wallMs : 0 };',
    code: 'P8-ended-early',
    scenario: 'paused-twice',
    seeds: 1,
  },
  'brake-off': {
    promise: 'P8',
    file: 'actors/janitor.ts',
    find: 'const endedPartMax = 0.2;',
    replace: 'const endedPartMax = 1;',
    code: 'P8-brake',
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
    code: 'P9-end-of-data',
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
    code: 'P9-rejected-on-fault',
    scenario: 'partial',
    seeds: 1,
  },
  'no-history-as-rejected': {
    promise: 'P9',
    file: 'actors/product-purchase.ts',
    find: `    if (typeof decided === 'string') {
      retries.push(retryOf(row, atMs, decided));`,
    replace: `    if (typeof decided === 'string') {
      const none = { sales1y: 0, salesCount: 0, offerDrops: 0, sane: 0, marks: [] };
      const verdict = { verdict: 'rejected', reason: 'missing', ruleVersion: 1 };
      judged.push({ ...keyOf(row), because: 'aged', ...verdict, ...none } as never);`,
    code: 'P9-rejected-on-fault',
    scenario: 'stripped',
    seeds: 1,
  },
  'judged-at-another-price': {
    promise: 'P9',
    file: 'actors/judging.ts',
    find: 'const priceNowCents = priceCents ?? null;',
    replace: 'const priceNowCents = priceCents === undefined ? null : 3 * priceCents;',
    code: 'P9-rejected-on-fault',
    scenario: 'peace',
    seeds: 1,
  },
  'answer-forgotten': {
    promise: 'P1',
    file: 'actors/product-purchase.ts',
    find: '      await parts.writer.storeJudgements(batch);\n',
    replace: "      if (batch.purpose !== 'history') await parts.writer.storeJudgements(batch);\n",
    code: 'P1-lost-product',
    says: /not stored/,
    scenario: 'peace',
    seeds: 1,
  },
  'evidence-not-kept': {
    promise: 'P1',
    file: 'store/judgements.ts',
    find: 'await keepEvidence(trx, batch.evidence, batch.atMs);',
    replace: '',
    code: 'P1-lost-product',
    says: /rest on nothing kept/,
    scenario: 'peace',
    seeds: 1,
  },
  'past-cut-at-once': {
    promise: 'P1',
    file: 'store/purge.ts',
    find: "await trx.deleteFrom('past').where('at_ms', '<', before).execute();",
    replace: "await trx.deleteFrom('past').where('at_ms', '<', before + retentionMs).execute();",
    code: 'P1-lost-product',
    says: /were stored and are gone/,
    scenario: 'bare',
    seeds: 1,
  },
  'deal-invented': {
    promise: 'reconcile',
    file: 'store/deal-counts.ts',
    find: 'return { ...counts, total };',
    replace: 'return { ...counts, candidate: counts.candidate + 1, total: total + 1 };',
    code: 'reconcile',
    says: /rows in the table/,
    scenario: 'peace',
    seeds: 1,
  },
  'deals-counted-twice': {
    promise: 'reconcile',
    file: 'store/deal-counts.ts',
    find: 'for (const { state, rows } of counted) counts[state] = rows;',
    replace:
      "const twice = (state: string) => (state === 'rejected' ? 2 : 1); " +
      'for (const { state, rows } of counted) counts[state] = twice(state) * rows;',
    code: 'reconcile',
    says: /exactly one known state/,
    scenario: 'peace',
    seeds: 1,
  },
  'rejection-counted-twice': {
    promise: 'reconcile',
    file: 'store/judging-counts.ts',
    find: 'rows: (alike.get(key)?.rows ?? 0) + 1 });',
    replace: "rows: (alike.get(key)?.rows ?? 0) + (verdict === 'rejected' ? 2 : 1) });",
    code: 'store-refuses',
    scenario: 'peace',
    seeds: 1,
  },
  'retries-unspaced': {
    promise: 'P9',
    file: 'actors/batch-spacing.ts',
    find: 'return nowMs + Math.min(retryCapMs, retryFirstMs * 2 ** attempts);',
    replace: 'return nowMs + Math.min(retryCapMs, retryFirstMs * 0 ** attempts);',
    code: 'bought-again',
    scenario: 'partial',
    seeds: 1,
  },
  'rejected-rows-not-seen': {
    promise: 'P8',
    file: 'store/pages.ts',
    find: 'const listed = rows.map((screened) => {',
    replace: `const isRejected = (deal?: { state: string }) => deal?.state === 'rejected';
      const wanted = rows.filter(({ row }) => !isRejected(known.get(keyOf(row))));
      const listed = wanted.map((screened) => {`,
    code: 'P8-ended-unseen',
    scenario: 'picky',
    seeds: 1,
  },
  'sweeps-given-up': {
    promise: 'convergence',
    file: 'actors/backfiller.ts',
    find: 'return { counts: { ...counts, why: bought.trouble }, nextInMs: 0 };',
    replace: 'return { counts: { ...counts, why: bought.trouble }, nextInMs: 1e9 };',
    code: 'converge',
    says: /listed rows are not kept/,
    scenario: 'healed',
    seeds: 1,
  },
  'verified-again-and-again': {
    promise: 'P9',
    file: 'actors/product-purchase.ts',
    find: 'if (decided.verified !== undefined) verified.push(decided.verified);',
    replace: '',
    code: 'bought-again',
    says: /^the offers of/,
    scenario: 'few-rows',
    seeds: 1,
  },
};
