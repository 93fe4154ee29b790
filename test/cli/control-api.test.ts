/**
 * Goal: what the daemon offers over HTTP, as a process and over a real port: metrics that pass the
 * lint, health that a failing Keepa does not spoil, and a token where more than this machine may
 * ask. Method: the daemon against a simulated Keepa, asked as Prometheus would.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ask } from '../status/asking.ts';
import { lint, readExposition } from '../status/exposition-lint.ts';
import { Place, type Running } from './run-cli.ts';
import { key, smallMarket, toml } from './small-market.ts';

const token = 't0ken0123456789t0ken';
const limits = { timeout: 300_000 };

let place: Place;
beforeEach(() => {
  place = new Place();
  place.write('keepa-deals.toml', toml);
});
afterEach(() => place.remove());

async function portOf(daemon: Running): Promise<number> {
  const [, port = ''] = await daemon.until(/"event":"listening".*"url":"http:[^"]*:(\d+)"/);
  return Number(port);
}

function get(port: number, path: string, headers: Record<string, string> = {}) {
  return ask({ host: '127.0.0.1', port, path, headers });
}

describe('over a port', limits, () => {
  test('the metrics of a real daemon pass the lint, and hold no secret', async () => {
    const daemon = place.start(['start', '--http', '127.0.0.1:0'], await smallMarket(place));
    const port = await portOf(daemon);
    await daemon.until(/"scope":"backfiller","event":"pass","outcome":"done","feed"/);
    await get(port, '/metrics');
    const { status, headers, body } = await get(port, '/metrics');
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^text\/plain/);
    assert.deepEqual(lint(body), []);
    assert.ok(!body.includes(key));
    const { series } = readExposition(body);
    const figure = (name: string): number | undefined =>
      series.find((each) => each.name === `keepa_deals_${name}`)?.value;
    assert.ok((figure('balance_tokens') ?? 0) > 0);
    assert.equal(figure('leases_held'), 2);
    assert.ok((figure('wal_bytes') ?? 0) > 0);
    const [alive, ready] = [await get(port, '/healthz'), await get(port, '/readyz')];
    assert.deepEqual([alive.status, ready.status], [200, 200], ready.body);
    assert.equal(typeof JSON.parse(ready.body).freshness.p50Ms, 'number');
  });

  for (const code of [429, 500, 402]) {
    test(`a Keepa that answers ${code} leaves it alive`, async () => {
      const answer = { timestamp: 0, tokensLeft: -5, refillIn: 60_000, refillRate: 5 };
      const failing = createServer((_, response) => {
        response.writeHead(code, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(answer));
      });
      await new Promise<void>((resolve) => void failing.listen(0, '127.0.0.1', resolve));
      const address = failing.address();
      assert.ok(typeof address === 'object' && address !== null);
      const url = `http://127.0.0.1:${address.port}`;
      const env = { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
      const daemon = place.start(['start', '--http', '127.0.0.1:0'], env);
      const port = await portOf(daemon);
      await daemon.until(/"scope":"janitor","event":"pass"/);
      const alive = await get(port, '/healthz');
      assert.equal(alive.status, 200, alive.body);
      const ready = await get(port, '/readyz');
      assert.equal(ready.status, 503, 'it never had a balance');
      assert.match(JSON.parse(ready.body).why, /balance is not known/);
      failing.closeAllConnections();
      failing.close();
    });
  }

  test('beyond this machine it asks for the token, which no log shows', async () => {
    place.write('token', `${token}\n`);
    place.write('keepa-deals.toml', `http_token_file = "token"\nhttp_hosts = ["here"]\n${toml}`);
    const daemon = place.start(
      ['start', '--http', '0.0.0.0:0', '--log-level', 'debug'],
      await smallMarket(place),
    );
    const port = await portOf(daemon);
    assert.equal((await get(port, '/status')).status, 401);
    const authorization = `Bearer ${token}`;
    assert.equal((await get(port, '/status', { authorization })).status, 200);
    assert.equal((await get(port, '/status', { authorization, host: 'here' })).status, 200);
    assert.equal((await get(port, '/status', { authorization, host: 'there' })).status, 403);
    assert.equal((await place.run(['status'])).code, 0, 'the command line asks the socket');
    daemon.child.kill('SIGTERM');
    const { code, stdout, stderr } = await daemon.ended;
    assert.equal(code, 0);
    assert.ok(!(stdout + stderr).includes(token));
  });

  test('a token that is none is refused with 78, and not quoted', async () => {
    place.write('token', 'too short\n');
    place.write('keepa-deals.toml', `http_token_file = "token"\n${toml}`);
    const { code, stderr } = await place.run(['start'], { KEEPA_API_KEY: key });
    assert.equal(code, 78);
    assert.match(stderr, /http_token_file .*is no token: at least 16 characters/);
    assert.doesNotMatch(stderr, /too short/);
  });
});
