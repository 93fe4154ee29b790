/**
 * Goal: kill -9 of the real process in the middle of a sweep costs at most the page in flight, and
 * the next life goes on at the page after the last stored one (promises P1 and P2).
 *
 * Method: the real daemon against a simulated Keepa over HTTP. After the kill the database says
 * which page is next; after the sweep has ended, the ledger says which pages were bought.
 */
import assert from 'node:assert/strict';

import { test } from 'node:test';
import { databasePath } from '../../src/cli/data-dir.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { FeedStatus, LedgerRecord } from '../../src/store/ports.ts';
import { Place, type Running } from './run-cli.ts';

const key = 'k3y0123456789k3y0123456789k3y0123456789';
const rounds = 3;

function configure(place: Place): void {
  place.write(
    'keepa-deals.toml',
    `data_dir = "data"
    [[feeds]]
    name = "used"
    domain = "com"
    selection = { priceTypes = [2], dateRange = 3 }
    # Nothing is accepted, so that no slow live offers are bought between the pages.
    [acceptance]
    min_profit_cents = 100000000`,
  );
}

async function stored(
  place: Place,
): Promise<{ feed: FeedStatus; pages: readonly LedgerRecord[]; total: number }> {
  const store = await openStore({ path: databasePath(place.path('data')), mode: 'read' });
  try {
    const [feed] = await store.reader.feeds();
    assert.ok(feed !== undefined);
    const requests = await store.reader.recentRequests(10_000);
    const pages = requests.filter(({ purpose }) => purpose === 'sweep');
    const { total } = await store.reader.countByState();
    return { feed, pages, total };
  } finally {
    await store.close();
  }
}

async function untilPage(daemon: Running, page: number): Promise<void> {
  await daemon.until(new RegExp(`"scope":"backfiller","event":"pass"[^\\n]*"page":${page},`));
}

test('kill -9 in the middle of a sweep resumes at the page after the last stored one', {
  timeout: 300_000,
}, async () => {
  const place = new Place();
  try {
    configure(place);
    const asked = ['--port', '0', '--rows', '2000', '--rate', '60', '--key', key];
    const keepa = place.start(['simulate', '--json', '--latency', '5', ...asked]);
    const [, url = ''] = await keepa.until(/"url":"([^"]+)"/);
    const env = { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
    let rowsBefore = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const daemon = place.start(['start'], env);
      await untilPage(daemon, 3 * round);
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      const { feed, total } = await stored(place);
      assert.equal(feed.sweep?.number, 1, 'still the first sweep');
      assert.ok((feed.sweep?.nextPage ?? 0) > 3 * round, 'the page that was reported is stored');
      assert.ok(total >= rowsBefore, 'no stored row is lost');
      rowsBefore = total;
    }
    const last = place.start(['start'], env);
    await last.until(/"scope":"backfiller","event":"pass","outcome":"done","pages":0(?!,"why")/);
    last.child.kill('SIGTERM');
    assert.equal((await last.ended).code, 0);
    const { feed, pages, total } = await stored(place);
    // A head poll after the sweep may have found a row or two that came since.
    const missed = feed.rows - (feed.lastSweepRows ?? 0);
    assert.ok(missed >= 0 && missed <= 5, `the sweep has not listed ${missed} rows of the feed`);
    assert.ok(total >= 1_700, `${total} rows`);
    const sweepPages = Math.floor((feed.lastSweepRows ?? 0) / 150) + 1;
    // A page whose answer was stored, and whose ledger line or checkpoint was not, is bought again.
    assert.ok(pages.length <= sweepPages + rounds, `${pages.length} bought for ${sweepPages}`);
  } finally {
    await place.remove();
  }
});
