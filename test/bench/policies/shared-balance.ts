/**
 * The balance that four workers share, with what is reserved: the predecessor's second design.
 *
 * Here it is better than it was: reservations are right, survive other workers' answers, and are
 * made in the same breath as the check.
 */
import type { Ending, Order, PolicyWorld } from '../policy.ts';
import { Belief, estimateOf, fixedRetryMs, tryOrder } from './four-workers.ts';

export class SharedBalance {
  readonly #world: PolicyWorld;
  readonly #belief: Belief;
  #reserved = 0;

  constructor(world: PolicyWorld) {
    this.#world = world;
    this.#belief = new Belief(world);
  }

  /** What is left when everything under way has been paid. */
  get balance(): number {
    return this.#belief.balance - this.#reserved;
  }

  /** Sleeps until the balance should have reached `target`. */
  async sleepUntil(target: number): Promise<void> {
    await this.#world.clock.sleep(this.#belief.waitMs(target + this.#reserved));
  }

  /** Reserves and sends; at a 429 a fixed sleep, and the same again. */
  async send(order: Order): Promise<Ending> {
    const estimate = estimateOf(order.call);
    for (;;) {
      this.#reserved += estimate;
      const outcome = await tryOrder(this.#world, order);
      this.#reserved -= estimate;
      this.#belief.learn(outcome);
      if (outcome.kind === 'answered') return { kind: 'bought' };
      await this.#world.clock.sleep(fixedRetryMs);
    }
  }
}
