/**
 * Leases in Redis, one JSON entry per name.
 *
 * Redis compares, sets and tells the time (redis-scripts.ts). It cannot tell who is alive: when it
 * answers that somebody holds a lease, the holder is looked for on this host, and one that is
 * provably dead is replaced if its entry is still the one that was judged. So an entry that Redis
 * wrote back to disk and restored, whatever its age, is in nobody's way.
 *
 * Entries do not vanish by themselves: an expired one is still there to be shown to people, and
 * holds nobody up.
 */
import { z } from 'zod';
import { checkedName } from './names.ts';
import type { Acquisition, LeaseClaim, LeaseEntry, Leases, Owner } from './ports.ts';
import type { RedisKeys } from './redis-keys.ts';
import { acquireScript, clearScript, releaseScript, renewScript } from './redis-scripts.ts';

const ownerText = z.tuple([z.string(), z.string(), z.string(), z.int(), z.string(), z.string()]);
const entrySchema = z.object({
  owner: z.string(),
  fence: z.int().min(1),
  acquiredAtMs: z.number(),
  renewedAtMs: z.number(),
  ttlMs: z.number(),
  doing: z.string(),
  store: z.string().default(''),
});

/** The holder may change while it is judged; who changes so often is alive. */
const judgementsMax = 5;

export class RedisLeases implements Leases {
  readonly #keys: RedisKeys;
  readonly #isProvablyDead: (owner: Owner) => boolean;

  constructor(keys: RedisKeys, isProvablyDead: (owner: Owner) => boolean) {
    this.#keys = keys;
    this.#isProvablyDead = isProvablyDead;
  }

  async acquire(name: string, options: LeaseClaim): Promise<Acquisition> {
    checkedName(name);
    let dead = '';
    for (let left = judgementsMax; ; left -= 1) {
      const answer = await this.#ask(name, { ...options, dead });
      if ('fence' in answer) return { granted: true, fence: answer.fence };
      const holder = readEntry(name, answer.text, answer.nowMs);
      if (holder === undefined) await this.#keys.setAside('leases');
      else if (left === 0 || !this.#isProvablyDead(holder.owner)) return { granted: false, holder };
      dead = answer.text;
    }
  }

  async #ask(
    name: string,
    options: LeaseClaim & { readonly dead: string },
  ): Promise<{ readonly fence: number } | { readonly text: string; readonly nowMs: number }> {
    const { owner, ttlMs, fenceFloor, doing, dead, store = '' } = options;
    const reply = await this.#keys.run(acquireScript, {
      keys: ['leases', 'fences'],
      args: [name, textOf(owner), ttlMs, fenceFloor, doing, dead, store],
    });
    const [granted, second, nowMs] = Array.isArray(reply) ? reply : [];
    if (granted === 1) return { fence: Number(second) };
    return { text: String(second), nowMs: Number(nowMs) };
  }

  async renew(
    name: string,
    { owner, fence, ttlMs, doing }: { owner: Owner; fence: number; ttlMs: number; doing: string },
  ): Promise<boolean> {
    const args = [checkedName(name), textOf(owner), fence, ttlMs, doing];
    return (await this.#keys.run(renewScript, { keys: ['leases'], args })) === 1;
  }

  async release(name: string, { owner, fence }: { owner: Owner; fence: number }): Promise<boolean> {
    const args = [checkedName(name), textOf(owner), fence];
    return (await this.#keys.run(releaseScript, { keys: ['leases'], args })) === 1;
  }

  async list(): Promise<readonly LeaseEntry[]> {
    const [fields, nowMs] = await Promise.all([this.#keys.fields('leases'), this.#keys.now()]);
    const entries = fields.flatMap(([name, text]) => {
      const entry = readEntry(name, text, nowMs);
      if (entry === undefined) this.#keys.report('leases', name);
      return entry ?? [];
    });
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Names, of any kind, under which something stands that is no entry of ours. */
  async unreadable(): Promise<readonly string[]> {
    const fields = await this.#keys.fields('leases');
    const bad = fields.filter(([name, text]) => readEntry(name, text, 0) === undefined);
    return bad.map(([name]) => name).toSorted();
  }

  /** Deletes what stands under one of them, and nothing beside it; false when there was nothing. */
  async clearUnreadable(name: string): Promise<boolean> {
    return (await this.#keys.run(clearScript, { keys: ['leases', 'fences'], args: [name] })) === 1;
  }

  async clear(name: string): Promise<boolean> {
    return await this.clearUnreadable(checkedName(name));
  }
}

/** One text for one owner: two are the same owner when their texts are equal. */
function textOf({ host, bootId, pidNamespace, pid, startedAt, instance }: Owner): string {
  return JSON.stringify([host, bootId, pidNamespace, pid, startedAt, instance]);
}

function readEntry(name: string, text: string, nowMs: number): LeaseEntry | undefined {
  const entry = entrySchema.safeParse(parsed(text)).data;
  const owner = ownerText.safeParse(parsed(entry?.owner ?? '')).data;
  if (entry === undefined || owner === undefined) return undefined;
  const [host, bootId, pidNamespace, pid, startedAt, instance] = owner;
  const ageMs = nowMs - entry.renewedAtMs;
  return {
    name,
    owner: { host, bootId, pidNamespace, pid, startedAt, instance },
    fence: entry.fence,
    acquiredAtMs: entry.acquiredAtMs,
    renewedAtMs: entry.renewedAtMs,
    // As the script that grants leases judges it.
    remainingMs: ageMs < -entry.ttlMs ? 0 : Math.min(entry.ttlMs - ageMs, entry.ttlMs),
    doing: entry.doing,
    store: entry.store,
  };
}

/** Undefined when it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
