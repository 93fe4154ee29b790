/**
 * Whether a write failed for what is around it, and not for what it carries.
 *
 * Who stores what was paid for has to know: a full disk or a lock ends one day, so the write waits
 * for that; a figure that a column does not take is refused tomorrow as well. A damaged file is
 * trouble of the file too: nothing at all can be stored in it, so nothing must be bought for it.
 */

/** By the name that SQLite gives it, extended ones (SQLITE_IOERR_WRITE) included. */
const sqliteTrouble =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|NOMEM|PROTOCOL|PERM|CORRUPT|NOTADB)/;
/** And by the system's, where the file was reached without SQLite. */
const systemTrouble = /^(ENOSPC|EDQUOT|EROFS|EIO|EACCES|EPERM|EMFILE|ENFILE|ENOMEM|EBUSY|EAGAIN)$/;

/** True when the same write may succeed later; false for an error that says nothing of the kind. */
export function isFileTrouble(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return sqliteTrouble.test(code) || systemTrouble.test(code);
}
