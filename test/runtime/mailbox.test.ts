import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mailbox, MailboxClosedError } from '../../src/runtime/mailbox.ts';

test('messages run in order and never two at a time', async () => {
  const mailbox = new Mailbox();
  const trace: string[] = [];
  const first = Promise.withResolvers<void>();
  const posted = [
    mailbox.post(async () => {
      trace.push('a begins');
      await first.promise;
      trace.push('a ends');
    }),
    mailbox.post(() => {
      trace.push('b');
    }),
  ];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(trace, ['a begins']);
  first.resolve();
  await Promise.all(posted);
  assert.deepEqual(trace, ['a begins', 'a ends', 'b']);
});

test('a poster gets what its message returns or throws, and the next one still runs', async () => {
  const mailbox = new Mailbox();
  const failing = mailbox.post(() => {
    throw new Error('mine');
  });
  const fine = mailbox.post(() => 42);
  await assert.rejects(failing, /mine/);
  assert.equal(await fine, 42);
});

test('a message never runs inside post, so its poster finishes its own step first', async () => {
  const mailbox = new Mailbox();
  let hasRun = false;
  const posted = mailbox.post(() => {
    hasRun = true;
  });
  assert.equal(hasRun, false);
  await posted;
  assert.equal(hasRun, true);
});

test('drain waits for messages that messages post', async () => {
  const mailbox = new Mailbox();
  const trace: string[] = [];
  void mailbox.post(async () => {
    trace.push('outer');
    void mailbox.post(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      trace.push('inner');
    });
  });
  await mailbox.drain();
  assert.deepEqual(trace, ['outer', 'inner']);
});

test('draining an empty mailbox resolves at once', async () => {
  await new Mailbox().drain();
});

test('a closed mailbox runs what it had accepted and refuses the rest', async () => {
  const mailbox = new Mailbox();
  const accepted = mailbox.post(() => 'accepted');
  mailbox.close();
  await assert.rejects(
    mailbox.post(() => assert.fail('ran')),
    MailboxClosedError,
  );
  assert.equal(await accepted, 'accepted');
});
