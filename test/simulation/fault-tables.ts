/**
 * The deals database as it lies on the disk, read without the daemon: what the checkers compare
 * the truth with.
 */
import { existsSync } from 'node:fs';
import SqliteFile from 'better-sqlite3';

export interface DealLine {
  readonly id: number;
  readonly asin: string;
  readonly priceType: number;
  readonly feed: string;
  readonly state: string;
  readonly reason: string | null;
  readonly lastSeenAtMs: number;
  readonly judgedAtMs: number | null;
  readonly judgedPriceCents: number | null;
  readonly endedAtMs: number | null;
  readonly heldAtMs: number | null;
}

export class Tables {
  readonly #file: SqliteFile.Database;
  readonly #statements = new Map<string, SqliteFile.Statement>();

  /** @throws when there is no database yet. */
  constructor(path: string) {
    this.#file = new SqliteFile(path, { readonly: true, fileMustExist: true, timeout: 0 });
  }

  /** Undefined before the daemon has made the file and its tables. */
  static open(path: string): Tables | undefined {
    if (!existsSync(path)) return undefined;
    const tables = new Tables(path);
    const made = tables.all("select 1 from sqlite_schema where name = 'ledger'");
    if (made.length > 0) return tables;
    tables.close();
    return undefined;
  }

  close(): void {
    this.#file.close();
  }

  deals(): readonly DealLine[] {
    return this.all<DealLine>(`
      select deals.id, asin, deals.price_type as priceType, feeds.name as feed, state, reason,
        last_seen_at_ms as lastSeenAtMs, judged_at_ms as judgedAtMs,
        judged_price_cents as judgedPriceCents,
        ended_at_ms as endedAtMs, held_at_ms as heldAtMs
      from deals join feeds on feeds.id = deals.feed_id`);
  }

  /** Products with a row, in the order in which they came. */
  asins(): readonly string[] {
    const lines = this.all<{ asin: string }>(
      'select asin from deals group by asin order by min(id)',
    );
    return lines.map(({ asin }) => asin);
  }

  /**
   * When something was last stored of each of these products, evidence or a line of its past; 0:
   * never. Those without a row are not in it.
   */
  newestOf(asins: readonly string[]): ReadonlyMap<string, number> {
    const lines = this.all<{ asin: string; atMs: number }>(
      `select value as asin, max(
         coalesce((select max(bought_at_ms) from evidence where domain_id = 1 and asin = value), 0),
         coalesce((select max(at_ms) from past where domain_id = 1 and asin = value), 0)
       ) as atMs
       from json_each(?) where value in (select asin from deals)`,
      JSON.stringify(asins),
    );
    return new Map(lines.map(({ asin, atMs }) => [asin, atMs]));
  }

  /** Rows with a verdict whose product has no evidence. */
  judgedWithoutEvidence(): readonly string[] {
    const lines = this.all<{ asin: string }>(
      `select asin from deals where judged_at_ms is not null and not exists (
         select 1 from evidence where evidence.domain_id = 1 and evidence.asin = deals.asin)`,
    );
    return lines.map(({ asin }) => asin);
  }

  /** The pause that is written down, be it over or not. Wall times. */
  pause(): { readonly sinceMs: number; readonly untilMs: number | null } | undefined {
    return this.all<{ sinceMs: number; untilMs: number | null }>(
      'select since_ms as sinceMs, until_ms as untilMs from pause',
    )[0];
  }

  /** Feeds that list a deal, by its id. */
  listings(): readonly { readonly dealId: number; readonly feed: string }[] {
    return this.all(`
      select deal_id as dealId, feeds.name as feed
      from listings join feeds on feeds.id = listings.feed_id`);
  }

  /** Tokens that answered requests cost, as the ledger has it. */
  answeredTokens(): number {
    const [line] = this.all<{ tokens: number | null }>(
      "select sum(cost_tokens) as tokens from ledger where outcome = 'answered'",
    );
    return line?.tokens ?? 0;
  }

  judgedRows(): number {
    const [line] = this.all<{ rows: number }>(
      'select count(*) as rows from deals where judged_at_ms is not null',
    );
    return line?.rows ?? 0;
  }

  /** Verdicts and fruitless tries, as the past of the products has them. */
  processedRows(): number {
    const [line] = this.all<{ rows: number }>(
      "select count(*) as rows from past where kind in ('judged', 'retry')",
    );
    return line?.rows ?? 0;
  }

  tokensByClass(sinceId: number): ReadonlyMap<string, number> {
    const lines = this.all<{ name: string; tokens: number }>(
      `select spend_class as name, sum(cost_tokens) as tokens from ledger
       where id > ? group by spend_class`,
      sinceId,
    );
    return new Map(lines.map(({ name, tokens }) => [name, tokens]));
  }

  lastLedgerId(): number {
    return this.all<{ id: number | null }>('select max(id) as id from ledger')[0]?.id ?? 0;
  }

  /** The newest sweep of a feed: its number and the page that it asks for next. */
  newestSweep(feed: string): { readonly number: number; readonly nextPage: number } | undefined {
    return this.all<{ number: number; nextPage: number }>(
      `select number, next_page as nextPage from sweeps
       join feeds on feeds.id = sweeps.feed_id where feeds.name = ?
       order by number desc limit 1`,
      feed,
    )[0];
  }

  /** All that were completed. */
  completeSweeps(): readonly {
    readonly feed: string;
    readonly number: number;
    readonly queryHash: string;
    readonly nextPage: number;
    readonly endedAtMs: number;
  }[] {
    return this.all(
      `select feeds.name as feed, number, sweeps.query_hash as queryHash, next_page as nextPage,
         ended_at_ms as endedAtMs
       from sweeps join feeds on feeds.id = sweeps.feed_id
       where outcome = 'complete' order by ended_at_ms`,
    );
  }

  all<T>(text: string, ...values: readonly unknown[]): readonly T[] {
    const statement = this.#statements.get(text) ?? this.#file.prepare(text);
    this.#statements.set(text, statement);
    return statement.all(...values) as T[];
  }
}
