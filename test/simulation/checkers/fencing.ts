/**
 * P6: a stale owner's write is refused; and, with it, there is never a second spender.
 *
 * *Stale write*: once a fence has been adopted, no write under an older one succeeds.
 * *Two spenders*: no request is sent by a process while another one has adopted a newer fence and
 * is not dead.
 */
import type { Life, PortCall } from '../fault-life.ts';
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

export class FencingChecker implements Checker {
  readonly #run: Watched;
  #newest: { readonly fence: number; readonly life: Life } | undefined;

  constructor(run: Watched) {
    this.#run = run;
  }

  done({ life, name }: PortCall): void {
    const [, digits, method] = /^writer(\d+)\.(\w+)$/.exec(name) ?? [];
    if (digits === undefined) return;
    const fence = Number(digits);
    const newest = this.#newest;
    if (newest !== undefined && fence < newest.fence) {
      this.#run.fail(
        'P6-stale-write',
        `${method} under fence ${fence} succeeded after fence ${newest.fence} was adopted`,
      );
    }
    if (newest === undefined || fence > newest.fence) this.#newest = { fence, life };
  }

  sent({ life, request }: WireCall): void {
    const newest = this.#newest;
    if (newest === undefined || newest.life === life || newest.life.isDead) return;
    if (life.number > newest.life.number || request.path === '/token') return;
    this.#run.fail(
      'P6-two-spenders',
      `life ${life.number} asks for ${request.path}, and life ${newest.life.number} has the lease`,
    );
  }
}
