/**
 * The daemon's broker, put together: its way to Keepa, its ledger in the store, its signs of life.
 */
import type { Broker, LedgerEntry } from './broker/request.ts';
import { type BrokerOptions, createBroker } from './broker/token-broker.ts';
import type { DaemonOptions } from './daemon-contract.ts';
import type { DaemonPulses } from './daemon-pulses.ts';
import { createKeepaClient } from './keepa/client.ts';
import { isFileTrouble } from './store/file-trouble.ts';
import type { DealWriter } from './store/ports.ts';

export interface BrokerParts
  extends Pick<BrokerOptions, 'learned' | 'gate' | 'isFinal' | 'onHalted'> {
  readonly options: Pick<DaemonOptions, 'config' | 'world'>;
  readonly writer: DealWriter;
  readonly pulses: DaemonPulses;
  /** Asked at the last moment: a process that stood still may have lost its leases meanwhile. */
  holdsLeases(): boolean;
  /** A request has ended and its line is in the ledger. */
  onRecorded(entry: LedgerEntry): void;
  /** The same, and the balance is known. */
  onBalanceKnown(): void;
}

/** A broker that does nothing until `start`. */
export function composeBroker(parts: BrokerParts): Broker {
  const { writer, pulses, holdsLeases, onBalanceKnown, onRecorded, options, ...own } = parts;
  const { config, world } = options;
  const { clock, random, log } = world;
  const transport = pulses.ofTransport(world.transport, holdsLeases);
  type Line = Parameters<DealWriter['recordRequest']>;
  const record = pulses.ofWrite((...line: Line) => writer.recordRequest(...line));
  const broker = createBroker({
    ...own,
    clock,
    random: random.fork('broker'),
    log: log.scoped('broker'),
    client: createKeepaClient({ transport, clock }),
    policy: { shares: config.shares, deficitFloor: config.deficitFloor },
    canPass: isFileTrouble,
    record: async (entry, lesson) => {
      await record(entry, lesson);
      onRecorded(entry);
      if (broker.snapshot().balance !== undefined) onBalanceKnown();
    },
  });
  return pulses.ofBroker(broker);
}
