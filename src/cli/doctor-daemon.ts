/**
 * `doctor` on the process: whether a daemon is at work, in which version and since when, how often
 * it had to start, and who holds the leases.
 */
import { isLease } from '../coordination/names.ts';
import type { StatusReport } from '../status/report-fields.ts';
import type { Run } from '../store/ports.ts';
import { type Facts, storedFacts, whyNotStored } from './doctor-facts.ts';
import { broken, type Finding, fine, note, orFine, skipped, warning } from './doctor-finding.ts';
import { deadLeases, holderOf, type Kept } from './doctor-leases.ts';
import { relativeText } from './words.ts';

const crashLoopStarts = 3;
/** One to upgrade, one to change the configuration; more is no plan of anybody's. */
const startsPerHourMax = 3;

export function checkDaemon(facts: Facts, kept: Kept): readonly Finding[] {
  const { daemon } = facts;
  switch (daemon.kind) {
    case 'answered':
      return [stateFinding(daemon.report)];
    case 'silent':
      return [
        broken('daemon', {
          what: `it hangs: ${daemon.why}`,
          why: 'nothing is kept fresh, and nobody takes over while it holds its lease',
          todo: 'restart it: systemctl restart keepa-deals',
        }),
      ];
    case 'foreign':
      return [
        warning('daemon', {
          what: `one of another version runs: ${daemon.why}`,
          why: 'this command does not understand what it says',
          todo: 'use the keepa-deals that it runs from, or restart it with this one',
        }),
      ];
    case 'denied':
      return [
        warning('daemon', {
          what: 'there is one that this user may not ask',
          why: 'what it does is not known',
          todo: 'run doctor as the user who runs it, or as root',
        }),
      ];
    case 'absent':
      return [absence(facts, kept)];
  }
}

function stateFinding({ state, reason }: StatusReport): Finding {
  const what = `${state}: ${reason}`;
  const todo = 'see keepa-deals status';
  switch (state) {
    case 'running':
    case 'waiting':
      return fine('daemon', what);
    case 'starting':
      return note('daemon', { what, why: 'nothing is bought before its start is done', todo });
    case 'standby':
      return note('daemon', { what, why: 'another one does the work; it takes over', todo });
    case 'paused':
      return note('daemon', { what, why: 'nothing is bought, as somebody asked for', todo });
    case 'degraded':
      return warning('daemon', { what, why: 'deals are not kept as fresh as they could', todo });
    case 'stalled':
    case 'stopped':
      return broken('daemon', { what, why: 'deals are not kept fresh', todo });
  }
}

function absence(facts: Facts, kept: Kept): Finding {
  const stored = storedFacts(facts);
  const holder = holderOf(kept);
  if (holder !== undefined) {
    const { pid, host } = holder.owner;
    return warning('daemon', {
      what: `process ${pid} on ${host.split('@').at(-1)} holds the data, and does not answer here`,
      why: "it is another user's or another host's, or it hangs: what it does is not known",
      todo: 'run doctor as its user or as root, on its host',
    });
  }
  if (facts.stored === undefined) {
    const what = 'none runs, and none has run here yet';
    const why = 'only a daemon fills the table';
    return note('daemon', { what, why, todo: 'begin with keepa-deals start' });
  }
  const end = endOf(stored?.lastRun, facts.nowMs);
  return warning('daemon', {
    what: `none runs${end}`,
    why: 'deals are not kept fresh; none is ended meanwhile',
    todo: 'keepa-deals start, or systemctl start keepa-deals',
  });
}

function endOf(run: Run | undefined, nowMs: number): string {
  if (run === undefined) return '';
  if (run.stoppedAtMs === undefined) return '; the last one was killed';
  const reason = run.stopReason ?? 'no reason recorded';
  return `; the last one ended ${relativeText(run.stoppedAtMs, nowMs)}: ${reason}`;
}

/** Of the running daemon, against the one of this command. */
export function checkVersion(facts: Facts): readonly Finding[] {
  const { daemon, flags, nowMs } = facts;
  const own = flags.version;
  if (daemon.kind !== 'answered') {
    const ran = storedFacts(facts)?.lastRun?.version;
    const last = ran === undefined ? '' : `; the last daemon was ${ran}`;
    return [fine('version', `this is ${own}${last}`)];
  }
  const { version, startedAt, pid } = daemon.report;
  const since =
    startedAt === null ? '' : ` since ${startedAt} (${relativeText(Date.parse(startedAt), nowMs)})`;
  const running = `${version ?? 'unknown'}, process ${pid ?? '?'}${since}`;
  if (version === own) return [fine('version', running)];
  return [
    warning('version', {
      what: `the daemon is ${running}; this command is ${own}`,
      why: 'what was installed is not what runs, and one may not know what the other tells',
      todo: 'systemctl restart keepa-deals, or use its own command',
    }),
  ];
}

export function checkRestarts(facts: Facts): readonly Finding[] {
  const stored = storedFacts(facts);
  if (stored === undefined) return [skipped('restarts', whyNotStored(facts))];
  const { startsLastHour, figures, lastRun } = stored;
  const what = `${startsLastHour} ${startsLastHour === 1 ? 'start' : 'starts'} in the last hour`;
  if (figures.recentStarts >= crashLoopStarts || startsLastHour > startsPerHourMax) {
    const recent = `${what}, ${figures.recentStarts} of them in the last five minutes`;
    const reason = lastRun?.stopReason;
    const last = reason === undefined ? '' : `; the last one ended: ${reason}`;
    return [
      warning('restarts', {
        what: `${recent}${last}`,
        why: 'it ends again and again, and its service manager hides it until it gives up',
        todo: 'see journalctl -u keepa-deals for how it ends',
      }),
    ];
  }
  return [fine('restarts', what)];
}

export function checkLeases({ daemon }: Facts, kept: Kept): readonly Finding[] {
  const holder = holderOf(kept);
  const answering = daemon.kind === 'answered' ? daemon.report : undefined;
  const found = [...deadLeases(kept), ...kept.unread];
  if (holder === undefined) return orFine(found, fine('leases', 'nobody holds a lease'));
  const { pid } = holder.owner;
  if (answering !== undefined && isAtWorkElsewhere(answering, pid)) {
    found.push(
      warning('leases', {
        what: `process ${pid} holds the lease, and process ${answering.pid} answers`,
        why: 'only the holder may work',
        todo: 'see keepa-deals locks list',
      }),
    );
  }
  const held = kept.leases.filter(({ name, owner }) => owner.pid === pid && isLease(name));
  const names = held.map(({ name }) => name).join(' and ');
  return orFine(found, fine('leases', `process ${pid} holds ${names}`));
}

/** A standby answers only where the one at work does not. */
function isAtWorkElsewhere({ pid, state }: StatusReport, holderPid: number): boolean {
  return pid !== holderPid && (state === 'running' || state === 'waiting');
}
