/**
 * A process that is inside a write transaction of the SQLite file given as its argument, and says
 * so; there it stays.
 */
import SqliteFile from 'better-sqlite3';

const file = new SqliteFile(process.argv[2] ?? '', { timeout: 30_000 });
file.exec('begin immediate');
process.stdout.write('locked\n');
setInterval(() => file.pragma('data_version'), 60_000);
