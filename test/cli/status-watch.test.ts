/**
 * `status --watch` on a real terminal: what matters is never scrolled away, and a look that fails
 * ends nothing. Method: a socket that answers as a daemon of another version first, and then like
 * one that has ended, beside a database with a life in it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { socketPath } from '../../src/cli/data-dir.ts';
import { fitted } from '../../src/cli/status-screen.ts';
import { widthOf } from '../../src/cli/text-width.ts';
import { DoctorSetup } from './doctor-setup.ts';
import { onTerminal, withoutPty } from './pty.ts';

const clear = '\u001b[H\u001b[2J';

test('a failing look is shown and the next one too, each on one screen', {
  skip: withoutPty,
  timeout: 60_000,
}, async () => {
  const setup = new DoctorSetup();
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.end('HTTP/1.0 200 OK\r\n\r\n{"schema":2}');
      server.close();
    });
  });
  try {
    await setup.leave();
    server.listen(socketPath(setup.dataDir));
    await once(server, 'listening');
    const [rows, columns] = [8, 40];
    const { screen, ...ended } = await onTerminal(
      setup.place,
      ['status', '--watch', '--data-dir', setup.dataDir],
      '\u0003',
      { until: 'next action', size: [rows, columns] },
    );
    const asWanted = { code: undefined, signal: constants.signals.SIGINT, isRestored: true };
    assert.deepEqual(ended, { ...asWanted, hasAsked: true }, screen);
    const [before, failed = '', stopped = '', ...more] = screen.split(clear);
    assert.deepEqual([before, more], ['', []]);
    const linesOf = (text: string) => stripVTControlCharacters(text).split('\r\n');
    assert.match(linesOf(failed).join(' '), /^keepa-deals: .* another ?version: .* schema 2; /);
    assert.match(stopped, /^\S*stopped\S*: it ended: SIGTERM\r\nnext action /);
    assert.match(stopped, /… \d+ more lines: keepa-deals status\r\n/);
    for (const shown of [failed, stopped].map(linesOf)) {
      assert.ok(shown.length <= rows, `${shown.length} rows: nothing scrolls`);
      assert.ok(shown.every((line) => widthOf(line) <= columns || line.endsWith('^C')));
    }
  } finally {
    server.close();
    await setup.remove();
  }
});

describe('a screen', () => {
  const reason = 'degraded: no token is spent without a lease /var/lib/keepa-deals/coordination';

  test('has the whole reason, cut lines, and says how many are missing', () => {
    assert.deepEqual(
      fitted([reason, 'next action   -', 'b'.repeat(40), 'c', 'd'], {
        columns: 30,
        rows: 8,
      }),
      [
        'degraded: no token is spent',
        'without a lease',
        '/var/lib/keepa-deals/coordinat',
        'ion',
        'next action   -',
        `${'b'.repeat(29)}…`,
        '… 2 more lines: keepa-deals s…',
      ],
    );
  });

  test('that has room for all is what it was', () => {
    const lines = [reason, '', 'last'];
    assert.deepEqual(fitted(lines, { columns: 80, rows: 4 }), lines);
    const endless = Number.POSITIVE_INFINITY;
    assert.deepEqual(fitted(lines, { columns: endless, rows: endless }), lines);
    assert.deepEqual(fitted(lines, { columns: 80, rows: 1 }), [reason]);
  });
});
