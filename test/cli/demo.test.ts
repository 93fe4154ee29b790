/**
 * The demo as a stranger starts it, and its screen on terminals of every size.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { progressLine, screenLines } from '../../src/cli/demo-screen.ts';
import { emptyReport } from '../../src/status/silent-report.ts';
import type { Deal } from '../../src/store/ports.ts';
import { Place } from './run-cli.ts';

const limits = { timeout: 300_000 };
let place: Place;
before(() => {
  place = new Place();
});
after(() => place.remove());

describe('the demo', limits, () => {
  test('finds deals without a key, ends by itself with 0 and leaves nothing', async () => {
    const running = place.start(['demo', '--json', '--rows', '200', '--seconds', '6'], {
      TMPDIR: place.directory,
    });
    const [, dataDir = ''] = await running.until(/demo in (\S+):/);
    assert.ok(dataDir.startsWith(place.directory));
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    const reports = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const last = reports.at(-1);
    const { candidate, accepted } = last.deals;
    assert.ok(candidate + accepted > 20, `${candidate} candidates, ${accepted} accepted`);
    assert.equal(last.state, 'stopped');
    assert.equal(last.tokens.refusals, 0);
    assert.ok(!existsSync(dataDir), 'the temporary directory is still there');
  });

  test('Ctrl-C ends it with 0, and a named directory is kept and can be read', async () => {
    const running = place.start(['demo', '--rows', '100', '--data-dir', 'kept']);
    await running.until(/deals \d+ = \d+/);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the data is kept: keepa-deals deals --state all --data-dir .*kept/);
    const deals = await place.run(['deals', '--data-dir', 'kept', '--state', 'all', '--json']);
    assert.ok(JSON.parse(deals.stdout).deals.length > 20);
  });
});

const deal: Deal = {
  asin: '0833161865',
  domainId: 1,
  priceType: 2,
  feed: 'used-books',
  title: 'A title that is rather long, as titles of books about glaciers happen to be at times',
  state: 'candidate',
  firstSeenAtMs: 0,
  lastSeenAtMs: 0,
};

test('the screen fits the terminal, however small, and always names the state', () => {
  const size = fc.record({
    columns: fc.integer({ min: 10, max: 300 }),
    rows: fc.integer({ min: 14, max: 100 }),
  });
  const report = emptyReport({ nowMs: 0, dataDir: '/tmp/x', hangs: undefined });
  fc.assert(
    fc.property(size, fc.integer({ min: 0, max: 40 }), (given, count) => {
      const view = { report, newest: Array<Deal>(count).fill(deal), elapsedMs: 1 };
      const lines = screenLines(view, { size: given, isColoured: false });
      assert.ok(lines.every((line) => line.length <= given.columns));
      assert.ok(lines.length <= given.rows, `${lines.length} lines on ${given.rows} rows`);
      assert.ok(lines.some((line) => line.startsWith('state')));
    }),
  );
});

test('one line says the same where there is no screen', () => {
  const report = emptyReport({ nowMs: 0, dataDir: '/tmp/x', hangs: undefined });
  const line = progressLine({ report, newest: [deal], elapsedMs: 4_000 });
  assert.match(line, /^4 s \| stopped \| tokens asking \| sweep - \| deals 0 \| newest 0833161865/);
  assert.ok(!line.includes('\n'));
});
