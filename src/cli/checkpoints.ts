/**
 * `checkpoints`: how far each feed's sweep had come, and having one begin anew.
 *
 * Two places remember how far a sweep is: the deals database, with the rows, and the checkpoint.
 * The older of the two wins at the next start, so to forget one of them only would either do
 * nothing or look as if pages were lost. Both are set back here, the database first: stopped in
 * between, the older one has won already.
 */
import { checkpointName } from '../actors/cursor.ts';
import { readKey } from '../config-key.ts';
import type { Checkpoints } from '../coordination/ports.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLog } from '../runtime/log-writer.ts';
import { nearestName } from '../runtime/nearest-name.ts';
import type { FeedStatus } from '../store/ports.ts';
import { CliError, exitCodes } from './cli-error.ts';
import { hasConsent } from './consent.ts';
import type { CliContext } from './context.ts';
import {
  askEach,
  type CoordinationFlags,
  type CoordinationPlace,
  type OnUnread,
  type Places,
  tellUnread,
  withPlaces,
} from './coordination-places.ts';
import { keyHashOf } from './key-hash.ts';
import { withStore } from './reading.ts';
import { asSoleWriter } from './sole-writer.ts';
import { clockText, columnsText } from './words.ts';

export interface CheckpointsFlags extends CoordinationFlags {
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Prints the saved progress of each part. @throws at the end, when a place could not be read */
export async function listCheckpoints(
  flags: CheckpointsFlags,
  context: CliContext,
): Promise<number> {
  const { terminal } = context;
  const unread: unknown[] = [];
  const onUnread: OnUnread = (error) => void unread.push(error);
  const listed = async ({ name: kept, checkpoints }: CoordinationPlace) =>
    (await checkpoints.list()).map((checkpoint) => ({ ...checkpoint, kept }));
  const ask = (places: Places) => askEach(places, listed, onUnread);
  const stored = await withPlaces(flags, context, ask, onUnread);
  if (flags.json === true) {
    const checkpoints = stored.map(({ name, value, writtenAtMs, kept }) => ({
      name,
      value,
      writtenAt: new Date(writtenAtMs).toISOString(),
      kept,
    }));
    terminal.out(`${JSON.stringify({ schema: 1, checkpoints })}\n`);
  } else if (stored.length > 0) {
    terminal.out(`${tableOf(stored).join('\n')}\n`);
  } else if (unread.length === 0) terminal.say('no progress is saved');
  tellUnread(unread, context);
  return exitCodes.fine;
}

type Stored = Awaited<ReturnType<Checkpoints['list']>>[number] & { readonly kept: string };

function tableOf(stored: readonly Stored[]): string[] {
  const nowMs = systemClock().now();
  const rows = stored.map(({ name, value, writtenAtMs, kept }) => [
    name,
    clockText(writtenAtMs, nowMs),
    JSON.stringify(value),
    kept,
  ]);
  return columnsText([['checkpoint', 'written', 'value', 'kept in'], ...rows], []);
}

/**
 * Has the feed's unfinished sweep begin again at its first page. No row is lost or judged anew.
 *
 * @throws CliError 1 for an unknown feed or a checkpoint that is still there, 75 while a daemon
 * works on the data, 2 when nobody can be asked.
 */
export async function resetCheckpoint(
  feedName: string,
  flags: CheckpointsFlags,
  context: CliContext,
): Promise<number> {
  const { terminal } = context;
  return await withPlaces(flags, context, async (all) => {
    const { dataDir } = all.config;
    const places = await ours(checkpointName(feedName), all, context);
    const feed = await withStore(dataDir, async ({ reader }) =>
      known(feedName, await reader.feeds()),
    );
    if (!(await hasConsent(consequence(feed), { isGiven: flags.yes === true, terminal }))) {
      terminal.say('nothing was changed');
      return exitCodes.failed;
    }
    const clock = systemClock();
    const log = createLog({
      clock,
      write: terminal.write,
      format: 'human',
      level: 'warn',
      secrets: [...context.secrets],
      colour: terminal.hasTalkColour,
    });
    const doing = `checkpoints reset ${feedName}`;
    const from = await asSoleWriter({ dataDir, doing, clock, log }, async ({ reader, writer }) => {
      const { sweep } = known(feedName, await reader.feeds());
      if (sweep !== undefined) await writer.rewindSweep(sweep, 0);
      await forget(checkpointName(feedName), places);
      return sweep?.nextPage ?? 0;
    });
    if (flags.json === true) {
      terminal.out(`${JSON.stringify({ schema: 1, feed: feedName, fromPage: from, page: 0 })}\n`);
    } else terminal.say(`${feedName} begins again at page 0; it was to go on at page ${from}`);
    return exitCodes.fine;
  });
}

function consequence({ name, sweep }: FeedStatus): string {
  if (sweep === undefined) return `${name}: no sweep is unfinished; its checkpoint is forgotten`;
  const tokens = 5 * sweep.nextPage;
  return (
    `${name}: the ${sweep.nextPage} pages of sweep ${sweep.number} are bought again, for about ` +
    `${tokens} tokens; no row is lost`
  );
}

/** @throws CliError (1) naming the feed that was probably meant. */
function known(name: string, feeds: readonly FeedStatus[]): FeedStatus {
  const found = feeds.find((feed) => feed.name === name);
  if (found !== undefined) return found;
  const names = feeds.map((feed) => feed.name);
  const meant = nearestName(name, names);
  throw new CliError(exitCodes.failed, {
    what: name,
    why: 'there is no feed of that name',
    todo: meant === undefined ? `known: ${names.join(', ')}` : `did you mean ${meant}?`,
  });
}

/**
 * The file's place, and of the Redis that of our own API key: another's feed may have this name.
 *
 * @throws ConfigError when the key has to be known to tell them apart, and is not.
 */
async function ours(
  name: string,
  { places, keyFile }: Places,
  { env, secrets }: CliContext,
): Promise<readonly CoordinationPlace[]> {
  const local = places.filter(({ keyHash }) => keyHash === undefined);
  const shared: CoordinationPlace[] = [];
  for (const place of places) {
    if (place.keyHash === undefined) continue;
    if ((await place.checkpoints.read(name)) !== undefined) shared.push(place);
  }
  if (shared.length <= 1) return [...local, ...shared];
  const key = readKey(env, keyFile);
  secrets.add(key.reveal());
  return [...local, ...shared.filter(({ keyHash }) => keyHash === keyHashOf(key))];
}

/** Wherever it is; with a Redis the file's own is left from before. */
async function forget(name: string, places: readonly CoordinationPlace[]): Promise<void> {
  for (const { checkpoints, name: kept } of places) {
    await checkpoints.remove(name);
    if ((await checkpoints.read(name)) === undefined) continue;
    throw new CliError(exitCodes.failed, {
      what: `${name} in ${kept}`,
      why: 'it was deleted and is there again',
      todo: 'somebody alive writes it: see keepa-deals locks list',
    });
  }
}
