/**
 * The question that is asked on a terminal before something is taken away: only a yes is one.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { onTerminal, withoutPty } from './pty.ts';
import { Place } from './run-cli.ts';

const dataDir = ['--data-dir', 'data'];
const noes: Readonly<Record<string, string>> = {
  no: 'n\r',
  'an empty line': '\r',
  'something else': 'yesterday\r',
  'the end of the input': '\x04',
};
const interrupt = '\x03';

describe('on a terminal', { skip: withoutPty, timeout: 300_000 }, () => {
  let place: Place;
  before(async () => {
    place = new Place();
    const daemon = place.start(['demo', '--json', '--rows', '300', ...dataDir]);
    await daemon.until(/"name":"daemon-demo"/);
    while (!(await isSaved())) await Promise.race([systemClock().sleep(20), daemon.ended]);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
  });
  after(() => place.remove());

  async function isHeld(): Promise<boolean> {
    const { stdout } = await place.run(['locks', 'list', '--json', ...dataDir]);
    const locks: readonly { readonly name: string }[] = JSON.parse(stdout).locks;
    return locks.some(({ name }) => name === 'daemon-demo');
  }

  async function isSaved(): Promise<boolean> {
    const { stdout } = await place.run(['checkpoints', 'list', '--json', ...dataDir]);
    return JSON.parse(stdout).checkpoints.length > 0;
  }

  const commands = [
    ['locks clear', ['locks', 'clear', 'daemon-demo'], isHeld, /would be deleted: daemon-demo/],
    ['checkpoints reset', ['checkpoints', 'reset', 'used-books'], isSaved, /used-books: /],
  ] as const;
  for (const [name, args, isThere, consequence] of commands) {
    for (const [what, keys] of Object.entries(noes)) {
      test(`${name}: ${what} changes nothing, and says so`, async () => {
        const { screen, ...ended } = await onTerminal(place, [...args, ...dataDir], keys);
        assert.match(screen, consequence);
        assert.match(screen, /Go on\? \[y\/N\] [\s\S]*nothing was changed\r\n$/);
        const asBefore = { hasAsked: true, isRestored: true };
        assert.deepEqual(ended, { code: 1, signal: undefined, ...asBefore });
        assert.ok(await isThere());
      });
    }

    test(`${name}: Ctrl-C ends it, changes nothing and leaves the terminal in order`, async () => {
      const { screen, ...ended } = await onTerminal(place, [...args, ...dataDir], interrupt);
      const { SIGINT: signal } = constants.signals;
      assert.deepEqual(
        ended,
        { code: undefined, signal, hasAsked: true, isRestored: true },
        screen,
      );
      assert.ok(await isThere());
    });

    test(`${name}: yes does it`, async () => {
      const ended = await onTerminal(place, [...args, ...dataDir], 'y\r');
      assert.equal(ended.code, 0, ended.screen);
      assert.ok(!(await isThere()));
    });
  }
});
