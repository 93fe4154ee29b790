import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openNotifySocket, watchdogMsOf } from '../../src/runtime/notify-socket.ts';
import { listenAt, noListener } from './notify-listener.ts';

const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-notify-'));
after(() => rmSync(directory, { recursive: true }));
const { PATH } = process.env;

function socketTo(name: string, failures: string[] = [], path = PATH) {
  const env = { NOTIFY_SOCKET: name, PATH: path, KEEPA_API_KEY: 'secret' };
  const notify = openNotifySocket({ env, onFailure: (why) => void failures.push(why) });
  assert.ok(notify !== undefined);
  return notify;
}

describe('what is sent', { skip: noListener, timeout: 60_000 }, () => {
  for (const name of [join(directory, 'notify.sock'), `@keepa-deals-test-${process.pid}`]) {
    const kind = name.startsWith('@') ? 'an abstract socket' : 'a path';
    test(`arrives at ${kind}, in order`, async () => {
      const listener = await listenAt(name);
      const failures: string[] = [];
      const notify = socketTo(name, failures);
      notify.send({ READY: 1 });
      notify.send({ STATUS: 'two\nlines\u0000and STOPPING=1' });
      notify.send({ RELOADING: 1, MONOTONIC_USEC: 5 });
      notify.send({ READY: 1 });
      notify.send({ STOPPING: 1 });
      await listener.until(({ STOPPING }) => STOPPING === '1');
      await notify.flush();
      assert.deepEqual(listener.messages, [
        { READY: '1' },
        { STATUS: 'two lines and STOPPING=1' },
        { RELOADING: '1', MONOTONIC_USEC: '5' },
        { READY: '1' },
        { STOPPING: '1' },
      ]);
      assert.deepEqual(failures, []);
      await listener.close();
    });
  }

  test('is the newest of its kind when the manager is slower than the news', async () => {
    const name = join(directory, 'slow.sock');
    const listener = await listenAt(name);
    const notify = socketTo(name);
    for (let n = 0; n < 50; n += 1) {
      notify.send({ STATUS: `n ${n}` });
      notify.send({ WATCHDOG: 1 });
    }
    notify.send({ STOPPING: 1 });
    await listener.until(({ STOPPING }) => STOPPING === '1');
    const all = listener.messages;
    assert.deepEqual(all, [
      { STATUS: 'n 0' },
      { STATUS: 'n 49' },
      { WATCHDOG: '1' },
      { STOPPING: '1' },
    ]);
    await notify.flush();
    await listener.close();
  });

  test('and not received by anybody costs a line each time, and no more', async () => {
    const failures: string[] = [];
    const notify = socketTo(join(directory, 'nobody.sock'), failures);
    notify.send({ READY: 1 });
    await notify.flush();
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /^systemd-notify: .+/);
  });
});

test('without systemd-notify there is a line as well, and nothing is thrown', async () => {
  const failures: string[] = [];
  const notify = socketTo('/nowhere', failures, directory);
  notify.send({ READY: 1 });
  await notify.flush();
  assert.deepEqual(failures, ['systemd-notify: spawn systemd-notify ENOENT']);
});

test('without a socket in the environment nobody is told', () => {
  const onFailure = (): void => assert.fail();
  assert.equal(openNotifySocket({ env: {}, onFailure }), undefined);
  assert.equal(openNotifySocket({ env: { NOTIFY_SOCKET: '' }, onFailure }), undefined);
});

test('the watchdog of another process is not ours to feed', () => {
  assert.equal(watchdogMsOf({ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '7' }, 7), 180_000);
  assert.equal(watchdogMsOf({ WATCHDOG_USEC: '180000000' }, 7), 180_000);
  assert.equal(watchdogMsOf({ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '8' }, 7), undefined);
  for (const text of ['', '0', '-1', 'soon', '1e9']) {
    assert.equal(watchdogMsOf({ WATCHDOG_USEC: text }, 7), undefined, text);
  }
  assert.equal(watchdogMsOf({}, 7), undefined);
});
