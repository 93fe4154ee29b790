/**
 * What the control server answers to everybody who may ask: it reads, and never acts.
 *
 * `/healthz` says no only for a loop that is frozen, `/readyz` until the daemon has what it needs
 * to work (health.ts has the reasons). Both add how things are, as far as the store can be read
 * just now; the answer itself needs no store.
 *
 * Invariants:
 * - a state is never changed by a request that is answered here;
 * - an error inside says nothing outside; it goes to the log.
 */
import { type Context, Hono } from 'hono';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import type { Health } from './health.ts';
import type { StatusReport } from './report-fields.ts';

export interface ControlAnswers {
  report(): Promise<StatusReport>;
  health(): Health;
  /** The metrics as Prometheus reads them. */
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
}

export function answerRoutes(answers: ControlAnswers, log: Log): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (context.req.method !== 'GET' && context.req.method !== 'HEAD') {
      return context.json({ error: 'only GET is answered here' }, 405, { Allow: 'GET, HEAD' });
    }
    await next();
  });
  app.get('/status', async (context) => context.json(await answers.report()));
  app.get('/metrics', async (context) => {
    const { text, contentType } = await answers.metrics();
    return context.body(text, 200, { 'Content-Type': contentType });
  });
  app.get('/healthz', async (context) => {
    const { frozen } = answers.health();
    const how = await howItIs(answers, { log, context });
    return context.json(
      { alive: frozen.length === 0, frozen, ...how },
      frozen.length > 0 ? 503 : 200,
    );
  });
  app.get('/readyz', async (context) => {
    const { unreadyWhy } = answers.health();
    const how = await howItIs(answers, { log, context });
    const isReady = unreadyWhy === undefined;
    return context.json({ ready: isReady, why: unreadyWhy ?? null, ...how }, isReady ? 200 : 503);
  });
  return app;
}

/** Nulls when the store cannot be read: then that is what it says of itself. */
async function howItIs(
  answers: ControlAnswers,
  { log, context }: { log: Log; context: Context },
): Promise<{ readonly [K in 'state' | 'reason' | 'freshness']: StatusReport[K] | null }> {
  try {
    const { state, reason, freshness } = await answers.report();
    return { state, reason, freshness };
  } catch (error) {
    log.error('control', { path: context.req.path, error: describeError(error) });
    return { state: null, reason: null, freshness: null };
  }
}
