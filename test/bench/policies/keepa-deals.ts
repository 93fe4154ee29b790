/** keepa-deals itself: the broker of `src/broker`, with the default shares and a floor of 0. */
import type { SpendClass } from '../../../src/broker/request.ts';
import { createBroker } from '../../../src/broker/token-broker.ts';
import { defaultShares } from '../../../src/config.ts';
import { itemsIn } from '../../../src/keepa/call.ts';
import { RecordedLog } from '../../runtime/recorded-log.ts';
import type { BenchActor, NamedPolicy } from '../policy.ts';

const classes: Readonly<Record<BenchActor, SpendClass>> = {
  head: 'head',
  sweep: 'backfill',
  fresh: 'upsert',
  backlog: 'backfill',
  recheck: 'refresh',
};

export const keepaDeals: NamedPolicy = {
  name: 'keepa-deals',
  create: ({ clock, random, client }) => {
    const broker = createBroker({
      clock,
      random,
      client,
      log: new RecordedLog(),
      policy: { shares: defaultShares, deficitFloor: 0 },
      record: () => Promise.resolve(),
      gate: () => ({ open: true }),
      isFinal: () => false,
      canPass: () => true,
    });
    broker.start();
    return {
      batch: { history: 100, offers: 10 },
      ask: async ({ actor, purpose, call, store }) => {
        const settlement = await broker.request({
          spendClass: classes[actor],
          purpose,
          call,
          commit: async (bought) => store(itemsIn(bought.call)),
        });
        switch (settlement.kind) {
          case 'answered':
            return { kind: 'bought' };
          case 'too-large':
            return { kind: 'too-large', fits: settlement.fitsItems };
          default:
            throw new Error(`${purpose} ended as ${settlement.kind}`);
        }
      },
    };
  },
};
