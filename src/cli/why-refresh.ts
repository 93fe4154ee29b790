/**
 * `why --refresh`: has the running daemon buy a product anew, once its price is agreed to.
 *
 * The price named first is what such purchases cost lately by the ledger, or what is documented
 * while there are too few of them. The daemon queues the purchase in the class `interactive`; the
 * bound that it answers with is how long is waited here.
 */
import { isDomainId } from '../keepa/domain.ts';
import { systemClock } from '../runtime/clock.ts';
import { type ActionLine, actionPaths, type RefreshResult } from '../status/actions.ts';
import type { Deal, DealReader } from '../store/ports.ts';
import { notOurs } from './at-work.ts';
import { CliError, exitCodes } from './cli-error.ts';
import { hasConsent } from './consent.ts';
import { type ActionAnswer, askToAct } from './daemon-client.ts';
import { socketPath } from './data-dir.ts';
import { askDaemon } from './status-client.ts';
import type { Terminal } from './terminal.ts';
import { clockText, spanText } from './words.ts';

/** What one product costs: 1 with its history, 6.0 to 7.7 measured with 20 offers as well. */
const kinds = {
  history: { shape: 'product', documentedTokens: 1 },
  verify: { shape: 'product+offers20', documentedTokens: 7 },
} as const;
/** Fewer say little: the broker, too, goes by the documented price until then. */
const samplesMin = 5;
const samplesMax = 50;
/** A sent request is answered or given up within this. */
const answerMsMax = 120_000;
/** While the daemon cannot promise anything (no refill, nothing known yet). */
const unboundedWaitMs = 600_000;

export interface RefreshParts {
  readonly flags: { readonly verify?: boolean; readonly yes?: boolean };
  readonly dataDir: string;
  readonly reader: DealReader;
  readonly terminal: Terminal;
}

/**
 * - bought: something new is stored;
 * - fruitless: it was paid for, and nothing could be made of it, which has been said;
 * - declined: the person said no.
 */
export type Refreshed = 'bought' | 'fruitless' | 'declined';

/**
 * Names the price, asks, has it bought and waits for it.
 *
 * @throws CliError 69 without a daemon that can be asked, 2 when nobody can be asked for consent.
 */
export async function refreshProduct(
  deal: Pick<Deal, 'asin' | 'domainId'>,
  parts: RefreshParts,
): Promise<Refreshed> {
  const { flags, dataDir, reader, terminal } = parts;
  const { asin, domainId } = deal;
  await requireDaemon(dataDir);
  const kind = flags.verify === true ? kinds.verify : kinds.history;
  const what = `buying ${asin} anew costs ${await priceText(reader, kind)}`;
  if (!(await hasConsent(what, { isGiven: flags.yes === true, terminal }))) {
    terminal.say('nothing was bought');
    return 'declined';
  }
  const result = await buy({ asin, domainId, isVerifying: flags.verify === true }, parts);
  const spent = `it cost ${result.costTokens} token${result.costTokens === 1 ? '' : 's'}`;
  if (result.why === null) {
    terminal.say(spent);
    return 'bought';
  }
  terminal.say(`keepa-deals: ${asin}: ${result.why}; ${spent}, and the row is as it was`);
  return 'fruitless';
}

async function requireDaemon(dataDir: string): Promise<void> {
  const answer = await askDaemon(socketPath(dataDir), systemClock());
  if (answer.kind === 'silent') throw unreachable({ ...answer, kind: 'hangs' });
  if (answer.kind === 'absent') throw unreachable(answer);
}

/** In words: `about 7.2 tokens (mean of the last 12, at most 12)`. */
async function priceText(
  reader: DealReader,
  { shape, documentedTokens }: (typeof kinds)[keyof typeof kinds],
): Promise<string> {
  const learned = (await reader.unitCosts(samplesMax)).find((costs) => costs.shape === shape);
  if (learned === undefined || learned.samples < samplesMin) {
    return `about ${documentedTokens} token${documentedTokens === 1 ? '' : 's'} (as documented)`;
  }
  const { meanTokens, maxTokens, samples } = learned;
  const unit = meanTokens === 1 ? 'token' : 'tokens';
  return `about ${meanTokens} ${unit} (the mean of the last ${samples}, the most was ${maxTokens})`;
}

async function buy(
  order: { readonly asin: string; readonly domainId: number; readonly isVerifying: boolean },
  { dataDir, terminal }: RefreshParts,
): Promise<RefreshResult> {
  const clock = systemClock();
  const { asin, domainId, isVerifying } = order;
  if (!isDomainId(domainId)) throw new Error(`a row of domain ${domainId}`);
  const query = new URLSearchParams({ domain: String(domainId), asin });
  if (isVerifying) query.set('verify', '1');
  const giveUp = new AbortController();
  const onLine = (line: ActionLine): void => {
    if (line.event !== 'queued') return;
    const waitMs = line.waitBoundMs === null ? unboundedWaitMs : line.waitBoundMs + answerMsMax;
    const until = clockText(clock.now() + waitMs, clock.now());
    terminal.say(`queued; waiting until ${until} at the latest (${spanText(waitMs)})`);
    deadline.cancel();
    deadline = clock.after(waitMs, () => giveUp.abort());
  };
  let deadline = clock.after(unboundedWaitMs, () => giveUp.abort());
  const answer = await askToAct({
    socketPath: socketPath(dataDir),
    path: `${actionPaths.refresh}?${query}`,
    clock,
    onLine,
    signal: giveUp.signal,
  });
  deadline.cancel();
  if (answer.kind === 'denied') throw notOurs(dataDir);
  if (answer.kind !== 'answered') throw unreachable(answer);
  if (answer.line.event === 'refreshed') return answer.line.result;
  const refusal = answer.line.event === 'failed' ? answer.line.why : 'it answered something else';
  throw new CliError(exitCodes.unavailable, {
    what: 'the daemon',
    why: refusal,
    todo: 'see keepa-deals status',
  });
}

function unreachable(answer: {
  readonly kind: ActionAnswer['kind'] | 'hangs';
  readonly why?: string;
}): CliError {
  const { kind, why = 'no reason' } = answer;
  if (kind === 'absent') {
    return new CliError(exitCodes.unavailable, {
      what: '--refresh',
      why: 'no daemon runs on this data directory, and only it may spend tokens',
      todo: 'begin with keepa-deals start',
    });
  }
  const isBegun = kind !== 'hangs';
  return new CliError(exitCodes.unavailable, {
    what: '--refresh',
    why: isBegun ? `the daemon did not answer to the end: ${why}` : `the daemon hangs: ${why}`,
    todo: isBegun
      ? 'what it bought is kept all the same; see keepa-deals status'
      : 'nothing was bought; see keepa-deals status',
  });
}
