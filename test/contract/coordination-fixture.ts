/**
 * What a contract suite needs of an implementation of the coordination ports, to put it through
 * time, deaths and losses.
 */
import type { Coordination, Owner } from '../../src/coordination/ports.ts';

export interface CoordinationFixture {
  /** Spans that differ by less are one to it: a clock that cannot be stopped goes on meanwhile. */
  readonly finestMs: number;
  /** One more process that opens the same store. */
  open(): Promise<Coordination>;
  /** Lets time pass by the store's clock. */
  advance(ms: number): Promise<void>;
  /** From now on this owner is provably dead. */
  kill(owner: Owner): void;
  /** Loses everything the store holds, as an emptied Redis or a deleted file does. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

export type CoordinationFactory = () => Promise<CoordinationFixture>;

/** An owner on one and the same machine, told apart by its instance. */
export function ownerNamed(instance: string): Owner {
  return {
    host: 'host-1',
    bootId: 'boot-1',
    pidNamespace: 'pid:[1]',
    pid: 100 + instance.length,
    startedAt: '1234',
    instance,
  };
}
