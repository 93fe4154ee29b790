import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { statusLines } from '../../src/cli/status-text.ts';
import { clockText, columnsText, relativeText, spanText } from '../../src/cli/words.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { emptyReport } from '../../src/status/silent-report.ts';

const nowMs = Date.UTC(2026, 4, 12, 12);
const iso = (ms: number): string => new Date(ms).toISOString();

function report(changes: Partial<StatusReport>): StatusReport {
  const empty = emptyReport({ nowMs, dataDir: '/data', hangs: undefined });
  return { ...empty, version: '1.0.0', startedAt: iso(nowMs - 60_000), ...changes };
}

const text = (changes: Partial<StatusReport>): string =>
  statusLines(report(changes), { isColoured: false }).join('\n');

describe('status for people', () => {
  test('begins with the state, its reason and the clock time of the next action', () => {
    const lines = text({
      state: 'waiting',
      reason: 'backfill: waiting for 5 tokens, the balance is 3',
      nextActionAt: iso(nowMs + 41_000),
    }).split('\n');
    assert.equal(lines[0], 'waiting: backfill: waiting for 5 tokens, the balance is 3');
    assert.match(lines[1] ?? '', /^next action +\d\d:\d\d:41 \(in 41 s\)$/);
  });

  test('says tokens now, tokens needed and the last success, and a dash for the unknown', () => {
    const { tokens } = report({});
    const known = text({
      lastSuccessAt: iso(nowMs - 29_000),
      tokens: { ...tokens, balance: 3, balanceAt: iso(nowMs), needed: 5, unexplained: 12 },
    });
    assert.match(known, /^tokens +3 now, 5 needed; .*12 of it by somebody else$/m);
    assert.match(known, /^last success +\d\d:\d\d:31 \(29 s ago\)$/m);
    const unknown = text({});
    assert.match(unknown, /^tokens +- now, - needed; 0 spent in the last hour$/m);
    assert.match(unknown, /^last success +-$/m);
    assert.doesNotMatch(unknown, /null|undefined|NaN/);
  });

  test('a pause is told with its end and its reason, and is no line without one', () => {
    const pause = { since: iso(nowMs - 60_000), until: iso(nowMs + 7_200_000), reason: 'a trip' };
    const shown = text({ pause });
    assert.match(shown, /^paused +since .*\(60 s ago\) until .*\(in 2 h 00 min\): a trip$/m);
    const open = text({ pause: { ...pause, until: null, reason: null } });
    assert.match(open, /^paused +since .* until keepa-deals resume$/m);
    assert.doesNotMatch(text({}), /^paused/m);
  });

  test('each class with its bound, what that rests on, and the longest wait and its time', () => {
    const { classes } = report({});
    const head = {
      share: 10,
      queued: 1,
      credit: 1.5,
      headHoldTokens: 5,
      waitBoundMs: 180_000,
      oldestWaitMs: 41_000,
      longestWaitMs: 240_000,
      longestWaitAt: iso(nowMs - 3_600_000),
    };
    const waitBounds = { tokensPerTick: 3.2, basis: 'hold while 3.2 tokens a tick are left to us' };
    const shown = text({ classes: { ...classes, head }, waitBounds });
    assert.match(shown, /^class +share .* waits +at most +longest +was$/m);
    assert.match(shown, /^head +10 % +1 +1\.5 +5 +41 s +3 min +4 min +60 min ago$/m);
    assert.match(shown, /^bounds: hold while 3\.2 tokens a tick are left to us$/m);
  });

  test('an old balance is shown with its time, not as the present one', () => {
    const { tokens } = report({});
    const old = text({ tokens: { ...tokens, balance: 42, balanceAt: iso(nowMs - 600_000) } });
    assert.match(old, /^tokens +42 at \d\d:\d\d:00 \(10 min ago\); /m);
  });

  test('the total of the deals is shown as the sum it is', () => {
    const deals = {
      total: 6,
      accepted: 1,
      rejected: 2,
      insufficient: 0,
      candidate: 3,
      ended: 0,
      held: 0,
    };
    const sum = '6 = 1 accepted + 2 rejected + 0 insufficient + 3 candidate + 0 ended';
    assert.ok(text({ deals }).includes(`deals: ${sum}`));
  });

  test('says what holds endings back: suspended feeds, coverage gaps and held rows', () => {
    const why = 'the last sweep lists 80 rows, the median of a week is 240';
    const feed: StatusReport['feeds'][number] = {
      name: 'books',
      configured: true,
      rows: 240,
      lastSweepAt: null,
      lastSweepRows: 80,
      lastHeadAt: null,
      sweep: null,
      partial: false,
      watermark: null,
      suspended: why,
    };
    const { deals } = report({});
    const gaps = [{ feed: 'books', from: iso(nowMs - 30 * 3_600_000) }];
    const shown = text({ feeds: [feed], gaps, deals: { ...deals, held: 49 } });
    assert.ok(shown.includes(`books: nothing ends now, ${why}`));
    assert.match(shown, /^books: not looked at since .*\(30 h.* ago\); deals may be missing$/m);
    assert.match(shown, /^held: 49 rows are due to end, .*deals confirm-held$/m);
    assert.doesNotMatch(text({ feeds: [{ ...feed, suspended: null }] }), /ends now|held|missing/);
  });

  test('shows what was judged as a sum in which nothing is hidden', () => {
    const judging = {
      processed: 12,
      accepted: 3,
      rejected: { 'below-margin': 4 },
      insufficient: { 'no-sales': 2 },
      retries: 3,
    };
    const sum = '3 accepted + 4 rejected (below-margin) + 2 insufficient (no-sales)';
    assert.ok(text({ judging }).includes(`judged: 12 = ${sum} + 3 to be tried again`));
  });

  test('where nothing ever ran, one line says all', () => {
    const empty = emptyReport({ nowMs, dataDir: '/data', hangs: undefined });
    assert.equal(statusLines(empty, { isColoured: false }).length, 1);
  });

  test('colour is for terminals', () => {
    const [head = ''] = statusLines(report({ state: 'stalled' }), { isColoured: true });
    assert.ok(head.startsWith('\u001b[31mstalled\u001b[0m: '));
    assert.ok(!text({ state: 'stalled' }).includes('\u001b'));
  });
});

test('spans and instants read well at every size', () => {
  const spans = [400, 41_400, 99_000, 100_000, 5_940_000, 6_000_000, 172_800_000, 180_000_000];
  assert.deepEqual(spans.map(spanText), [
    ...['0 s', '41 s', '99 s', '2 min', '99 min', '1 h 40 min', '2 d 0 h', '2 d 2 h'],
  ]);
  assert.equal(relativeText(nowMs + 999, nowMs), 'now');
  assert.equal(relativeText(nowMs - 5_000, nowMs), '5 s ago');
  const local = new Date(2026, 4, 12, 9, 8, 7).getTime();
  assert.equal(clockText(local, local + 1), '09:08:07');
  assert.equal(clockText(local, local + 86_400_000), '2026-05-12 09:08:07');
});

test('columns line up, figures to the right', () => {
  const rows = [
    ['a', '1'],
    ['bbb', '22'],
  ];
  assert.deepEqual(columnsText(rows, [false, true]), ['a     1', 'bbb  22']);
});
