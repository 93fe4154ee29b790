/**
 * A Redis that is spoken to over TLS: with the CA that has signed its certificate the daemon works,
 * and whatever is wrong with it is one line with its reason and what to do. Real certificates.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RedisServer } from '../coordination/redis-process.ts';
import { freePort, TlsCertificates, withoutTls } from '../coordination/tls-certificates.ts';
import { type Ended, Place } from './run-cli.ts';
import { WatchedKeepa } from './watched-keepa.ts';

const password = 'hunter2hunter2';
const toml = `
data_dir = "data"
[[feeds]]
name = "used"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
`;

describe('a Redis over TLS', { skip: withoutTls, timeout: 300_000 }, () => {
  let certificates: TlsCertificates;
  let place: Place;
  let keepa: WatchedKeepa;
  const servers: RedisServer[] = [];
  let port: number;
  before(async () => {
    certificates = new TlsCertificates();
    place = new Place();
    place.write('keepa-deals.toml', toml);
    keepa = await WatchedKeepa.start({ rows: 500, ratePerMinute: 60 });
    port = await serve(['DNS:localhost', 'IP:127.0.0.1'], '--tls-auth-clients', 'no');
  });
  after(async () => {
    await place.remove();
    await keepa.close();
    for (const server of servers) await server.remove();
    certificates.remove();
  });

  async function serve(names: readonly string[], ...more: readonly string[]): Promise<number> {
    const at = await freePort();
    const tls = certificates.serverArgs(at, ...names);
    servers.push(await RedisServer.start({ args: [...tls, '--requirepass', password, ...more] }));
    return at;
  }

  const start = (url: string, env: Record<string, string> = {}): Promise<Ended> =>
    place.run(['start', '--no-standby', '--log-level', 'error'], {
      ...keepa.env,
      KEEPA_DEALS_REDIS_URL: url,
      ...env,
    });
  const at = (host: string, to = port) => `rediss://:${password}@${host}:${to}/0`;
  const trusting = (path: string) => ({ KEEPA_DEALS_REDIS_CA_FILE: path });

  function assertRefused({ code, stdout, stderr }: Ended, line: RegExp): void {
    assert.equal(code, 78, stderr);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, line);
    assert.ok(!stderr.includes(password));
  }

  for (const host of ['localhost', '127.0.0.1']) {
    test(`as ${host}, with the CA that has signed its certificate, it works`, async () => {
      const env = { ...keepa.env, ...trusting(certificates.ca), KEEPA_DEALS_REDIS_URL: at(host) };
      const daemon = place.start(['start', '--no-standby'], env);
      await daemon.until(/"event":"pass"/);
      const { stdout, stderr } = await place.run(['locks', 'list', '--json'], env);
      const locks: readonly { readonly kept: string }[] = JSON.parse(stdout).locks;
      assert.ok(locks.some(({ kept }) => kept.startsWith(`rediss://${host}:${port}/0`)));
      assert.equal(stderr, '', 'and nothing else is said');
      daemon.child.kill('SIGTERM');
      const ended = await daemon.ended;
      assert.equal(ended.code, 0, ended.stderr);
      assert.doesNotMatch(ended.stderr, /Warning/);
    });
  }

  test('Node, told of the CA by its own variable, needs no file', async () => {
    const env = { NODE_EXTRA_CA_CERTS: certificates.ca, KEEPA_DEALS_REDIS_URL: at('localhost') };
    const { code, stderr } = await place.run(['locks', 'list'], env);
    assert.deepEqual([code, stderr], [0, 'no locks are held\n']);
  });

  test('a CA that has not signed it, or none at all', async () => {
    const line = /^keepa-deals: rediss:.*: no CA .* has signed its certificate \([A-Z_]+\); name /;
    assertRefused(await start(at('localhost'), trusting(certificates.strangeCa)), line);
    assertRefused(await start(at('localhost')), line);
  });

  test('a certificate for another name', async () => {
    const other = await serve(['DNS:redis.example'], '--tls-auth-clients', 'no');
    const ended = await start(at('localhost', other), trusting(certificates.ca));
    assertRefused(ended, /certificate is for another name .*; write a name .* in redis_url/);
  });

  test('one that wants a certificate of ours', async () => {
    const strict = await serve(['DNS:localhost'], '--tls-auth-clients', 'yes');
    const ended = await start(at('localhost', strict), trusting(certificates.ca));
    assertRefused(ended, /wants a certificate of whoever asks .*; set tls-auth-clients no/);
  });

  test('a file of CAs that cannot be used, or is for nothing', async () => {
    const missing = await start(at('localhost'), trusting(place.path('none.pem')));
    assertRefused(missing, /redis_ca_file \S+none\.pem: .*; name a file that this user may read/);
    const garbage = await start(at('localhost'), trusting(place.write('x.pem', 'no certificate')));
    assertRefused(garbage, /redis_ca_file \S+x\.pem: there is no certificate in it; it begins/);
    const plain = `redis://:${password}@localhost:${port}`;
    const idle = await start(plain, trusting(certificates.ca));
    assertRefused(idle, /redis_ca_file .*: redis:\S+ is without TLS; write rediss:/);
  });

  test('asked without TLS it is waited for, and the words name TLS', async () => {
    const env = { KEEPA_DEALS_REDIS_URL: `redis://:${password}@localhost:${port}` };
    const { code, stderr } = await place.run(['locks', 'list'], env);
    assert.equal(code, 69);
    assert.match(stderr, /it closed the connection .*if it wants TLS, the URL begins with rediss:/);
  });
});
