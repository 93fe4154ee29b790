/**
 * `doctor` on leases and checkpoints, wherever they are kept; it only looks.
 *
 * The commands that look after them open the files as a daemon does, which upgrades a file and sets
 * garbage aside. Here garbage is a finding, and the file stays as it is.
 */
import { existsSync } from 'node:fs';
import { lookIntoEmbedded } from '../coordination/embedded.ts';
import { awayErrorOf } from '../coordination/embedded-door.ts';
import { isGarbage } from '../coordination/embedded-file.ts';
import { dataDirLease, isLease } from '../coordination/names.ts';
import type { Checkpoints, LeaseEntry, Leases } from '../coordination/ports.ts';
import { RedisGarbageError } from '../coordination/redis-failure.ts';
import { systemBootClock } from '../runtime/boot-clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import { isProvablyDead, readProcessIdentity } from '../runtime/process-identity.ts';
import { coordinationPath } from './data-dir.ts';
import type { Facts } from './doctor-facts.ts';
import { type Finding, skipped, warning } from './doctor-finding.ts';
import { hostLockFiles } from './host-leases.ts';
import { keyHashOf } from './key-hash.ts';
import { adviceOn } from './open-data-dir.ts';
import { redisPlaceOf } from './redis.ts';

type Stored = Awaited<ReturnType<Checkpoints['list']>>[number];

export interface Kept {
  readonly leases: readonly (LeaseEntry & { readonly isDead: boolean })[];
  readonly checkpoints: readonly Stored[];
  /** Of places that could not be looked into. */
  readonly unread: readonly Finding[];
}

interface Place {
  readonly name: string;
  readonly leases: Pick<Leases, 'list'>;
  readonly checkpoints: Pick<Checkpoints, 'list'>;
  /** About garbage in it. */
  readonly advice?: Advice;
}

interface Advice {
  readonly why: string;
  readonly todo: string;
}
const inFile: Advice = {
  why: 'who works cannot be told; a start sets it aside and repeats some work',
  todo: 'nothing of worth is in it: stop the daemon, move it away, start again',
};
const inRedis: Advice = {
  why: 'who works cannot be told; a start sets aside only what it would read itself',
  todo: 'keepa-deals locks list, and checkpoints list, show what can be cleared and how',
};

/** All of it, from every place that can be read. Never rejects. */
export async function lookAtCoordination(facts: Facts): Promise<Kept> {
  const self = readProcessIdentity();
  const leases: Kept['leases'][number][] = [];
  const checkpoints: Stored[] = [];
  const unread: Finding[] = [];
  await using opened = new AsyncDisposableStack();
  const look = async ({ name, advice, ...place }: Place): Promise<void> => {
    try {
      const found = await place.leases.list();
      leases.push(...found.map((one) => ({ ...one, isDead: isProvablyDead(one.owner, self) })));
      checkpoints.push(...(await place.checkpoints.list()));
    } catch (error) {
      unread.push(unreadable(name, error, advice));
    }
  };
  for (const path of filesOf(facts, unread)) {
    try {
      const place = lookIntoEmbedded({
        path,
        clock: facts.clock,
        bootClock: systemBootClock(),
        host: self.host,
        isProvablyDead: (owner) => isProvablyDead(owner, self),
      });
      opened.defer(place.close);
      await look({ name: path, ...place });
    } catch (error) {
      unread.push(unreadable(path, error));
    }
  }
  for (const place of await redisPlaces(facts, { opened, unread })) await look(place);
  return { leases, checkpoints, unread };
}

/** Of our own key where it is known: what another key has left behind is not this daemon's. */
function isOurs({ key }: Facts, keyHash: string): boolean {
  return key.secret === undefined || keyHash === keyHashOf(key.secret);
}

function filesOf(facts: Facts, unread: Finding[]): readonly string[] {
  const { dataDir, redisUrl } = facts.loaded.config;
  const local = coordinationPath(dataDir);
  const files = existsSync(local) ? [local] : [];
  if (redisUrl !== undefined) return files;
  try {
    const shared = hostLockFiles(facts.context.env);
    const ours = shared.filter(({ keyHash }) => isOurs(facts, keyHash));
    return [...files, ...ours.map(({ path }) => path)];
  } catch (error) {
    unread.push(unreadable('locks of this host', error));
    return files;
  }
}

async function redisPlaces(
  facts: Facts,
  { opened, unread }: { opened: AsyncDisposableStack; unread: Finding[] },
): Promise<readonly Place[]> {
  const { context, loaded } = facts;
  try {
    const place = redisPlaceOf(loaded.config, context.secrets);
    if (place === undefined) return [];
    const { openSharedRedis } = await import('../coordination/redis.ts');
    const { spenders, close } = await openSharedRedis({
      place,
      changesNothing: true,
      isProvablyDead: () => false,
      onNotice: (notice) => void unread.push(unreadable(place.text, notice, inRedis)),
    });
    opened.defer(close);
    return spenders
      .filter(({ keyHash }) => isOurs(facts, keyHash))
      .map((spender) => {
        const name = `${place.text} {${spender.keyHash}}`;
        return { name, advice: inRedis, ...spender };
      });
  } catch {
    // What Redis says against it is the finding of another check.
    unread.push(skipped('leases', 'what is kept in Redis: it cannot be asked (see redis)'));
    return [];
  }
}

/** What is only shut holds the leases of whoever is at work: nothing of it may be moved away. */
function unreadable(name: string, error: unknown, advice = inFile): Finding {
  const said = typeof error === 'string' ? error : describeError(error);
  const what = said.includes(name) ? said : `${name}: ${said}`;
  const away = awayErrorOf(name, error);
  if (away !== undefined) {
    const why = 'who works cannot be told, and a daemon waits for it without spending';
    return warning('leases', { what: away.message, why, todo: away.todo });
  }
  const holdsGarbage = isGarbage(error) || error instanceof RedisGarbageError;
  if (typeof error !== 'string' && !holdsGarbage) {
    return warning('leases', { what, why: 'who works cannot be told', todo: adviceOn(error) });
  }
  return warning('leases', { what, ...advice });
}

/** Leases whose owner is proven dead; one that has ended in peace gives its lease back. */
export function deadLeases({ leases }: Kept): readonly Finding[] {
  const dead = leases.filter(({ name, isDead }) => isDead && isLease(name));
  const pids = [...new Set(dead.map(({ owner }) => owner.pid))];
  return pids.map((pid) => {
    const held = dead.filter(({ owner }) => owner.pid === pid).map(({ name }) => name);
    return warning('leases', {
      what: `process ${pid} is dead and still holds ${held.join(' and ')}`,
      why: 'it was killed or crashed, and nobody has taken over',
      todo: 'keepa-deals start takes over at once; its journal may say what ended it',
    });
  });
}

/** Whoever holds the data directory, alive or on another host. */
export function holderOf({ leases }: Kept): LeaseEntry | undefined {
  return leases.find(
    ({ name, isDead, remainingMs }) => name === dataDirLease && !isDead && remainingMs > 0,
  );
}
