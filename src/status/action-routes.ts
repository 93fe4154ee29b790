/**
 * The actions of the daemon as routes of its control socket.
 *
 * Only the socket has them: it is a file that its user alone may open, while any web page can make
 * a browser post to a loopback port. A state is changed by POST and never by GET, which browsers,
 * crawlers and people repeat without thinking. Parameters are in the query, so no body is read.
 *
 * Invariants:
 * - an answer ends with exactly one line `failed` or one that carries the result;
 * - one that hangs up does not stop the work: what is being bought is paid for all the same.
 */
import { type Context, Hono } from 'hono';
import { isAsin } from '../keepa/call-limits.ts';
import { isDomainId } from '../keepa/domain.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import type { PauseOrder } from '../store/ports.ts';
import {
  type ActionLine,
  ActionRefusedError,
  actionPaths,
  type ControlActions,
  isPauseReason,
  type RefreshOrder,
} from './actions.ts';

type Tell = (line: ActionLine) => void;

export function actionRoutes(actions: ControlActions, log: Log): Hono {
  const app = new Hono();
  const post = (
    path: string,
    work: (context: Context, tell: Tell) => Promise<ActionLine>,
  ): void => {
    app.post(path, (context) => stream((tell) => work(context, tell), { log, path }));
    app.all(path, (context) => {
      return context.json({ error: 'only POST is answered here' }, 405, { Allow: 'POST' });
    });
  };
  post(actionPaths.rejudge, async (_, tell) => {
    const outcome = await actions.rejudge((judged) => tell({ event: 'progress', judged }));
    return { event: 'rejudged', outcome };
  });
  post(actionPaths.confirmHeld, async () => {
    return { event: 'confirmed', rows: await actions.confirmHeld() };
  });
  post(actionPaths.refresh, async (context, tell) => {
    const result = await actions.refresh(orderIn(context), (waitBoundMs) => {
      tell({ event: 'queued', waitBoundMs: waitBoundMs ?? null });
    });
    return { event: 'refreshed', result };
  });
  post(actionPaths.pause, async (context) => {
    return { event: 'paused', result: await actions.pause(pauseIn(context)) };
  });
  post(actionPaths.resume, async () => {
    return { event: 'resumed', pause: (await actions.resume()) ?? null };
  });
  return app;
}

/** @throws ActionRefusedError for an end that is no instant and a reason that is no line. */
function pauseIn({ req }: Context): PauseOrder {
  const [until, reason] = [req.query('until'), req.query('reason')];
  if (until !== undefined && !/^\d{1,15}$/.test(until)) {
    throw new ActionRefusedError('the end of a pause is an instant in milliseconds');
  }
  if (reason !== undefined && !isPauseReason(reason)) {
    throw new ActionRefusedError('a reason is one line of at most 200 characters');
  }
  return {
    ...(until === undefined ? {} : { untilMs: Number(until) }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** @throws ActionRefusedError for what is no product. */
function orderIn({ req }: Context): RefreshOrder {
  const domainId = Number(req.query('domain'));
  const asin = req.query('asin') ?? '';
  if (!isDomainId(domainId) || !isAsin(asin)) throw new ActionRefusedError('no such product');
  return { domainId, asin, isVerifying: req.query('verify') === '1' };
}

/** Begins the work and answers at once with what it tells, line by line, until it ends. */
function stream(
  work: (tell: Tell) => Promise<ActionLine>,
  { log, path }: { readonly log: Log; readonly path: string },
): Response {
  const encoder = new TextEncoder();
  let isHungUp = false;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const tell: Tell = (line) => {
        if (!isHungUp) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      tell(await work(tell).catch((error: unknown) => failureOf(error, { log, path })));
      if (!isHungUp) controller.close();
    },
    cancel() {
      isHungUp = true;
    },
  });
  const headers = { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' };
  return new Response(body, { headers });
}

/** An error inside says nothing outside; it goes to the log. */
function failureOf(
  error: unknown,
  { log, path }: { readonly log: Log; readonly path: string },
): ActionLine {
  if (error instanceof ActionRefusedError) return { event: 'failed', why: error.message };
  log.error('control', { path, error: describeError(error) });
  return { event: 'failed', why: 'internal error; the log of the daemon has it' };
}
