/**
 * The log: one line each, no secret in any of them, and never more than the day's budget.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLog, type LogOptions } from '../../src/runtime/log-writer.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';

const startMs = Date.parse('2026-05-01T12:00:00Z');
const key = 'k3y/with+odd "chars" and ünïcode';
const dayMs = 24 * 60 * 60_000;

function arrange(options: Partial<LogOptions> = {}) {
  const clock = new VirtualClock(startMs);
  const lines: string[] = [];
  const log = createLog({
    clock,
    write: (text) => lines.push(text),
    format: 'json',
    level: 'info',
    secrets: [key],
    colour: false,
    ...options,
  });
  return { clock, lines, log, records: () => lines.map((line) => JSON.parse(line)) };
}

test('a JSON line carries time, level, scope and event first, then the fields', () => {
  const { lines, log } = arrange();
  log.scoped('upserter').info('pass', { rows: 150, feed: 'books', isNew: true, none: undefined });
  assert.deepEqual(lines, [
    '{"time":"2026-05-01T12:00:00.000Z","level":"info","scope":"upserter","event":"pass",' +
      '"rows":150,"feed":"books","isNew":true}\n',
  ]);
});

test('a human line is short, and quotes only what needs it', () => {
  const { lines, log } = arrange({ format: 'human' });
  log.scoped('upserter').warn('pass', { outcome: 'failed', error: 'no such table', rows: 0 });
  log.info('started');
  assert.deepEqual(lines, [
    '2026-05-01 12:00:00Z warn  upserter pass outcome=failed error="no such table" rows=0\n',
    '2026-05-01 12:00:00Z info  started\n',
  ]);
});

test('colour marks the level and leaves the words alone', () => {
  const { lines, log } = arrange({ format: 'human', colour: true });
  log.error('broken');
  assert.deepEqual(lines, [
    '\u001b[2m2026-05-01 12:00:00Z\u001b[0m \u001b[31merror\u001b[0m broken\n',
  ]);
});

test('lines below the level are not written', () => {
  const { log, records } = arrange({ level: 'warn' });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  assert.deepEqual(
    records().map(({ event }) => event),
    ['c', 'd'],
  );
});

test('scopes nest', () => {
  const { log, records } = arrange();
  log.scoped('broker').scoped('books').info('x');
  assert.equal(records()[0].scope, 'broker:books');
});

test('a field never replaces a head of the JSON line', () => {
  const { log, records } = arrange();
  log.info('x', { level: 'error', time: 'never', repeated: 9, message: 'kept' });
  const { level, level_, time_, repeated_, message } = records()[0];
  assert.deepEqual(
    [level, level_, time_, repeated_, message],
    ['info', 'error', 'never', 9, 'kept'],
  );
});

test('a number that JSON cannot hold is written as text, not as null', () => {
  const { log, records } = arrange();
  log.info('x', { a: Number.NaN, b: Number.POSITIVE_INFINITY });
  assert.deepEqual([records()[0].a, records()[0].b], ['NaN', 'Infinity']);
});

test('whatever the values hold, a call writes one line without control characters', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('json' as const, 'human' as const),
      (event, value, format) => {
        const { lines, log } = arrange({ format, secrets: [] });
        log.info(event, { value });
        assert.equal(lines.length, 1);
        assert.match(lines[0] ?? '', /^[^\n\r]*\n$/);
        if (format === 'human') assert.doesNotMatch(lines[0]?.slice(0, -1) ?? '', /\p{Cc}/u);
      },
    ),
  );
});

test('a long text is shortened', () => {
  const { log, records } = arrange();
  log.info('x', { body: 'a'.repeat(50_000) });
  assert.equal(records()[0].body.length, 1_001);
});

/** How a secret may look after a journey. */
const spellings: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'as a URL component': encodeURIComponent,
  'as a whole URL': encodeURI,
  'as a form field': (secret) => new URLSearchParams({ key: secret }).toString(),
  'encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'in lower-case escapes': (secret) => encodeURIComponent(secret).toLowerCase(),
  'in JSON': (secret) => JSON.stringify({ key: secret }),
  'in JSON in JSON': (secret) => JSON.stringify({ body: JSON.stringify({ key: secret }) }),
  'in ASCII JSON': (secret) =>
    JSON.stringify(secret).replace(
      /[^ -~]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  'in upper case': (secret) => secret.toUpperCase(),
};

/** What may stay of a line that held the secret: the marks around it, none of its own letters. */
function assertStruckOut(lines: readonly string[]): void {
  for (const line of lines) {
    assert.match(line, /\[redacted\]/);
    assert.doesNotMatch(line, /k3y|odd|chars|nicode/i);
  }
}

for (const [name, spell] of Object.entries(spellings)) {
  for (const format of ['json', 'human'] as const) {
    test(`a secret spelt ${name} is struck out of every part of a ${format} line`, () => {
      const { lines, log } = arrange({ format });
      const spelt = spell(key);
      log.info(`asked ${spelt}`);
      log.info('x', { url: `https://api.keepa.com/deal?key=${spelt}&page=0` });
      log.info('y', { [spelt]: 1 });
      log.scoped(spelt).info('z');
      log.error('failed', { error: `cannot ask: caused by: GET /deal?key=${spelt}: socket` });
      assert.equal(lines.length, 5);
      assertStruckOut(lines);
    });
  }
}

test('a secret that begins in the event and ends in a field is struck out for people', () => {
  const { lines, log } = arrange({ format: 'human', secrets: ['open sesame=1'] });
  log.info('open', { sesame: 1 });
  assert.deepEqual(lines, ['2026-05-01 12:00:00Z info  [redacted]\n']);
});

test('a secret of digits is struck out of numbers too', () => {
  const { log, records } = arrange({ secrets: ['123456'] });
  log.info('x', { pin: 9_123_456_7 });
  assert.equal(records()[0].pin, '9[redacted]7');
});

test('a secret at the edge of the shortened part leaves no half of itself', () => {
  const { lines, log } = arrange({ secrets: ['abcdefghij'] });
  log.info('x', { body: `${'-'.repeat(995)}abcdefghij` });
  assert.doesNotMatch(lines[0] ?? '', /abc/);
});

test('of two secrets, one inside the other, neither survives in part', () => {
  const { records, log } = arrange({ secrets: ['token', 'token-2', 'my-token'] });
  log.info('x', { a: 'my-token', b: 'token', c: 'token-2' });
  const { a, b, c } = records()[0];
  assert.deepEqual([a, b, c], ['[redacted]', '[redacted]', '[redacted]']);
});

test('empty secrets strike out nothing, white space around one does not protect it', () => {
  const { records, log } = arrange({ secrets: ['', ' \n', 'abc\n'] });
  log.info('x', { a: 'xabcx' });
  assert.equal(records()[0].a, 'x[redacted]x');
});

test('an identical line is counted, and its count written after the quiet time', async () => {
  const { clock, log, records } = arrange();
  for (let i = 0; i < 13; i += 1) {
    log.error('pass', { error: 'disk full', ms: i });
    await clock.advanceBy(1_000);
  }
  assert.equal(records().length, 1);
  await clock.advanceBy(60_000);
  log.info('other');
  assert.deepEqual(
    records().map(({ event, repeated }) => [event, repeated]),
    [
      ['pass', undefined],
      ['pass', 12],
      ['other', undefined],
    ],
  );
});

test('a different line of the same kind is written at once, behind the count of the last', () => {
  const { log, records } = arrange();
  for (let i = 0; i < 3; i += 1) log.error('pass', { error: 'disk full' });
  log.error('pass', { error: 'disk gone' });
  assert.deepEqual(
    records().map(({ error, repeated }) => [error, repeated]),
    [
      ['disk full', undefined],
      ['disk full', 2],
      ['disk gone', undefined],
    ],
  );
});

test('people read the count in words', () => {
  const { lines, log } = arrange({ format: 'human' });
  for (let i = 0; i < 13; i += 1) log.info('x');
  log.flush();
  assert.equal(lines[1], '2026-05-01 12:00:00Z info  x (repeated 12 times)\n');
});

test('flush writes every count that is still held back, once', () => {
  const { log, records } = arrange();
  for (let i = 0; i < 4; i += 1) {
    log.info('a');
    log.warn('a');
  }
  log.flush();
  log.flush();
  assert.deepEqual(
    records().map(({ level, repeated }) => [level, repeated]),
    [
      ['info', undefined],
      ['warn', undefined],
      ['info', 3],
      ['warn', 3],
    ],
  );
});

test('a fault that repeats every second for a day is written some thirty times', async () => {
  const { clock, lines, log } = arrange();
  for (let i = 0; i < dayMs / 1_000; i += 1) {
    log.error('child-failed', { child: 'upserter', error: 'disk full', restartInMs: i });
    await clock.advanceBy(1_000);
  }
  assert(lines.length > 20 && lines.length < 40, `${lines.length} lines`);
});

test('lines that all differ stay below 700 KB in the worst day, each one counted', async () => {
  const { clock, lines, log, records } = arrange();
  const offered = 4 * 24 * 60;
  const days = [0, 0];
  for (let i = 0; i < 2 * offered; i += 1) {
    const before = lines.length;
    log.error('failed', { error: `no answer to request ${i}: ${'x'.repeat(600)}` });
    const day = i < offered ? 0 : 1;
    for (const line of lines.slice(before)) days[day] = (days[day] ?? 0) + line.length;
    await clock.advanceBy(dayMs / offered);
  }
  assert((days[0] ?? 0) > 500_000 && (days[0] ?? 0) < 700_000, `day 1: ${days[0]} bytes`);
  assert((days[1] ?? 0) > 400_000 && (days[1] ?? 0) < 500_000, `day 2: ${days[1]} bytes`);
  log.flush();
  const told = records().reduce((sum, { suppressed }) => sum + 1 + (suppressed ?? 0), 0);
  assert.equal(records().at(-1).event, 'lines-left-out');
  assert.equal(told - 1, 2 * offered);
});

test('a flood of routine lines leaves room for the error behind it', () => {
  const { lines, log, records } = arrange();
  for (let i = 0; i < 5_000; i += 1) log.info('row', { asin: `B00${i}` });
  const written = lines.length;
  assert(written < 5_000);
  log.error('broken');
  assert.equal(lines.length, written + 1);
  assert.equal(records().at(-1).suppressed, 5_000 - written);
});

test('at the debug level, which a person chose, nothing is left out', () => {
  const { lines, log } = arrange({ level: 'debug' });
  for (let i = 0; i < 5_000; i += 1) log.debug('row', { asin: `B00${i}` });
  assert.equal(lines.length, 5_000);
});

test("a host's clock that steps back holds no line up", () => {
  const { lines, log, records } = arrange();
  const HostDate = globalThis.Date;
  let hostMs = startMs;
  globalThis.Date = class extends HostDate {
    constructor() {
      super(hostMs);
      hostMs -= 60_000;
    }
  } as DateConstructor;
  try {
    for (let i = 0; i < 20; i += 1) log.info('x');
  } finally {
    globalThis.Date = HostDate;
  }
  log.flush();
  assert.equal(lines.length, 2);
  assert.equal(records()[1].repeated, 19);
});

test('a thousand kinds of lines do not make it remember them all, nor lose a count', () => {
  const { lines, log, records } = arrange({ level: 'debug' });
  for (let i = 0; i < 1_000; i += 1) {
    log.info(`event-${i}`);
    log.info(`event-${i}`);
  }
  const before = lines.length;
  log.info('event-0');
  assert(lines.length > before, 'the first kind was not forgotten');
  log.flush();
  const told = records().reduce((sum, { repeated }) => sum + (repeated ?? 1), 0);
  assert.equal(told, 2_001);
});

test('a changed level counts at once, also for scopes that were made before', () => {
  const { lines, log } = arrange({ level: 'warn' });
  const scoped = log.scoped('upserter');
  scoped.info('before');
  log.setLevel('debug');
  scoped.debug('between');
  log.setLevel('error');
  scoped.warn('after');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).event),
    ['between'],
  );
});
