/**
 * Certificates for tests of TLS, made by openssl: one CA, a server's certificate of that CA, and a
 * CA that has signed nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutRedis } from './redis-process.ts';

const program = 'openssl';

/** To pass as the option `skip` of a test: false where a Redis can speak TLS. */
export const withoutTls: string | false = whyWithout();

function whyWithout(): string | false {
  if (withoutRedis !== false) return withoutRedis;
  const lacking =
    lacks(program, ['version'], /^OpenSSL [1-9]/, 'there is no openssl here') ??
    lacks('redis-cli', ['--help'], /--tls\b/, 'this redis-server was built without TLS');
  if (lacking !== undefined && process.env.CI === 'true') throw new Error(`CI: ${lacking}`);
  return lacking ?? false;
}

function lacks(
  program: string,
  args: readonly string[],
  sign: RegExp,
  why: string,
): string | undefined {
  try {
    const said = execFileSync(program, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return sign.test(said) ? undefined : why;
  } catch {
    return why;
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

export class TlsCertificates {
  readonly #directory = mkdtempSync(join(tmpdir(), 'keepa-deals-tls-'));
  readonly ca = this.#makeCa('ca');
  readonly strangeCa = this.#makeCa('strange');

  /** Options for a redis-server whose certificate is for these names, as `DNS:localhost`. */
  serverArgs(port: number, ...names: readonly string[]): readonly string[] {
    const request = this.#path('server.csr');
    const key = this.#path('server.key');
    const certificate = this.#path('server.pem');
    const extensions = this.#path('extensions');
    writeFileSync(extensions, `subjectAltName=${names.join(',')}\n`);
    openssl('req', ...newKey.slice(0, 5), '-keyout', key, '-out', request, '-subj', '/CN=server');
    const signer = ['-CA', this.ca, '-CAkey', this.#path('ca.key'), '-CAcreateserial'];
    const request509 = ['x509', '-req', '-in', request, '-days', '2', '-extfile', extensions];
    openssl(...request509, ...signer, '-out', certificate);
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file'];
    return ['--tls-port', String(port), ...files, this.ca];
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #makeCa(name: string): string {
    const [key, certificate] = [this.#path(`${name}.key`), this.#path(`${name}.pem`)];
    const subject = ['-subj', `/CN=${name}`];
    openssl('req', '-x509', ...newKey, '-keyout', key, '-out', certificate, ...subject);
    return certificate;
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** One that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
