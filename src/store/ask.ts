/**
 * A question to the database in plain SQL, as a port of its own.
 *
 * What the status report reads is asked in this way and no other, because it is read on two ways:
 * by the daemon inside a transaction of kysely's, and, where no daemon lives, from the bare file by
 * a command that has no time to load kysely. So every figure has one query, whoever asks.
 */

/** What a question may have in place of its question marks. */
export type AskedValue = string | number;

/** The rows, as the columns are named in the text; what `Row` says of them is the text's word. */
export type Ask = <Row>(text: string, ...values: readonly AskedValue[]) => Promise<readonly Row[]>;
