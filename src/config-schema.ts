/**
 * The shape of `keepa-deals.toml`, and how a value that does not fit is put into words.
 *
 * Each rule carries the sentence that a person needs when it fails: what the value has to be, not
 * which check it tripped. Keys are strict at every level.
 */
import { z } from 'zod';
import type { ConfigProblem } from './config-problem.ts';

const whole = (least: number, most: number, unit: string) => {
  const error = `a whole number of ${unit} from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};
const atLeast = (least: number, unit: string) => {
  const error = `a whole number of ${unit}, ${least} or more`;
  return z.int({ error }).min(least, { error });
};
const text = (error: string) => z.string({ error }).min(1, { error });
const oneOf = <const T extends readonly [string, ...string[]]>(...names: T) =>
  z.enum(names, { error: `one of ${names.join(', ')}` });
const table = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'a table' : undefined),
  });

const share = whole(1, 96, 'per cents');
const cents = atLeast(0, 'cents');
const drops = atLeast(0, 'rank drops');
const offers = atLeast(0, 'offers');
const between = (least: number, most: number, unit: string) => {
  const error = `a number${unit} from ${least} to ${most}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
};
const percent = between(0, 100, ' of per cents');

const screen = table({
  min_price_cents: cents.optional(),
  max_price_cents: cents.optional(),
  min_percent_below_average: percent.optional(),
  max_rank: atLeast(1, 'ranks').optional(),
  min_rank_drops_30: drops.optional(),
  min_rank_drops_90: drops.optional(),
  min_rank_drops_365: drops.optional(),
  max_average_spike: z
    .number({ error: 'a number of 1 or more' })
    .min(1, { error: 'a number of 1 or more (90-day average over 30-day average)' })
    .optional(),
  min_used_offers: offers.optional(),
  min_new_offers: offers.optional(),
}).refine(
  ({ min_price_cents: least, max_price_cents: most }) =>
    least === undefined || most === undefined || least <= most,
  { error: 'at or below max_price_cents', path: ['min_price_cents'] },
);

const feedNameError = 'a short name of a-z, 0-9 and -';
const feed = table({
  name: z.string({ error: feedNameError }).regex(/^[a-z0-9][a-z0-9-]{0,63}$/, feedNameError),
  domain: z
    .union([z.string().min(1), z.int().min(1)], {
      error: 'a marketplace, as com, co.uk, de, ... or as its Keepa number',
    })
    .optional(),
  price_type: whole(0, 35, 'the csv index (2 is used)').optional(),
  selection: z
    .record(z.string(), z.unknown(), { error: 'a table: the query as keepa.com exports it' })
    .optional(),
  selection_file: text('the path of a JSON file').optional(),
  screen: screen.optional(),
}).refine(
  ({ selection, selection_file: file }) => (selection === undefined) !== (file === undefined),
  { error: 'given, or selection_file: one of the two', path: ['selection'] },
);

const costs = table({
  inbound_shipping_cents: cents.optional(),
  tax_percent: percent.optional(),
  prep_cents: cents.optional(),
  referral_percent: percent.optional(),
  fba_fee_cents: cents.optional(),
  closing_fee_cents: cents.optional(),
});
const acceptance = table({
  // Below zero on purpose: whoever wants losses in the table may say how large.
  min_profit_cents: z.int({ error: 'a whole number of cents' }).optional(),
  min_percent_down: percent.optional(),
  min_sales_1y: atLeast(0, 'sales').optional(),
  min_trust: between(0, 1, '').optional(),
});
const retention = table({
  ttl_hours: whole(1, 8_760, 'hours').optional(),
  purge_days: whole(1, 3_650, 'days').optional(),
});

const httpError = '`off`, a port, or an address as 127.0.0.1:8080';
const hostError = 'a list of host names in lower case, without ports';
const configSchema = table({
  data_dir: text('the path of a directory').optional(),
  redis_url: z
    .url({
      protocol: /^(rediss?|unix)$/,
      error: 'a URL that starts with redis://, rediss:// (TLS) or unix:// (a socket)',
    })
    .optional(),
  redis_ca_file: text('the path of a file of certificates').optional(),
  http: z
    .union([z.string(), z.int()], { error: httpError })
    .refine((value) => parseHttpAddress(String(value)) !== undefined, { error: httpError })
    .optional(),
  http_hosts: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.-]{0,252}$/, hostError), hostError)
    .optional(),
  http_token_file: text('the path of a file that holds the token').optional(),
  keepa: table({
    url: z.url({ protocol: /^https?$/, error: 'a URL that starts with https://' }).optional(),
    key_file: text('the path of a file that holds the key').optional(),
  }).optional(),
  tokens: table({
    deficit_floor: z
      .int({ error: 'a whole number of tokens, 0 or below' })
      .max(0, { error: 'a whole number of tokens, 0 or below' })
      .optional(),
    shares: table({
      interactive: share.exactOptional(),
      head: share.exactOptional(),
      upsert: share.exactOptional(),
      refresh: share.exactOptional(),
      backfill: share.exactOptional(),
    }).optional(),
  }).optional(),
  freshness: table({ sweep_minutes: whole(1, 10_080, 'minutes').optional() }).optional(),
  costs: costs.optional(),
  acceptance: acceptance.optional(),
  retention: retention.optional(),
  log: table({
    level: oneOf('debug', 'info', 'warn', 'error').optional(),
    format: oneOf('auto', 'human', 'json').optional(),
  }).optional(),
  feeds: z.array(feed, { error: 'a list of tables: [[feeds]]' }).optional(),
});

export type RawConfig = z.infer<typeof configSchema>;
export type RawFeed = z.infer<typeof feed>;

/** Values that may hold a password are named, never quoted. */
const unquotable = new Set(['redis_url', 'keepa.url', 'keepa.key_file', 'http_token_file']);

/**
 * The configuration when it fits; else every way in which it does not. `originOf` says where a
 * dotted key was set.
 */
export function checkShape(
  raw: unknown,
  originOf: (key: string) => string,
): { readonly config: RawConfig } | { readonly problems: readonly ConfigProblem[] } {
  const result = configSchema.safeParse(raw, { reportInput: true });
  if (result.success) return { config: result.data };
  return { problems: result.error.issues.flatMap((issue) => inWords(issue, originOf)) };
}

function inWords(issue: z.core.$ZodIssue, originOf: (key: string) => string): ConfigProblem[] {
  const key = dotted(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    return issue.keys.map((name) => {
      const full = key === '' ? name : `${key}.${name}`;
      const where = `${originOf(full)}: ${full}`;
      return { where, what: 'unknown key', unknown: { name, known } };
    });
  }
  const where = `${originOf(key)}: ${key}`;
  if (issue.input === undefined) return [{ where, what: `missing, must be ${issue.message}` }];
  const isPlain = typeof issue.input !== 'object' && !unquotable.has(key);
  const given = isPlain ? `is ${JSON.stringify(issue.input)}, ` : '';
  return [{ where, what: `${given}must be ${issue.message}` }];
}

/** `feeds[0].screen.max_rank`. */
function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((key, part) => {
    if (typeof part === 'number') return `${key}[${part}]`;
    return key === '' ? String(part) : `${key}.${String(part)}`;
  }, '');
}

/** The keys that the table at this path may have. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema;
  for (const part of path) {
    const inner = bare(schema);
    if (inner instanceof z.ZodArray) schema = inner.element;
    else if (inner instanceof z.ZodObject) schema = inner.shape[String(part)];
  }
  const found = bare(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function bare(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? bare(schema.unwrap()) : schema;
}

/** The address, `off`, or undefined when it is neither. A port alone means the loopback. */
export function parseHttpAddress(
  value: string,
): { readonly host: string; readonly port: number } | 'off' | undefined {
  if (value === 'off') return 'off';
  const match = /^(?:(?<host>\[[0-9a-fA-F:]+\]|[^:\s/]*):)?(?<port>\d{1,5})$/.exec(value);
  const port = Number(match?.groups?.port ?? Number.NaN);
  if (!(port <= 65_535)) return undefined;
  const host = match?.groups?.host?.replace(/^\[|\]$/g, '') || '127.0.0.1';
  return { host, port };
}
