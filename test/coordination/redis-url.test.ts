/** What a URL of a Redis says, and what may be shown of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';

test('a URL is read with its parts, and told without its secrets', () => {
  const read = parseRedisUrl('rediss://me:p%40ss@redis.example:6380/5');
  assert.deepEqual(read, {
    text: 'rediss://redis.example:6380/5',
    address: { host: 'redis.example', port: 6380, isTls: true },
    username: 'me',
    password: 'p@ss',
    database: 5,
  });
  assert.deepEqual(parseRedisUrl('redis://[::1]').address, {
    host: '::1',
    port: 6379,
    isTls: false,
  });
  assert.deepEqual(parseRedisUrl('unix:///run/redis.sock?db=2'), {
    text: 'unix:///run/redis.sock?db=2',
    address: { path: '/run/redis.sock' },
    username: undefined,
    password: undefined,
    database: 2,
  });
});

test('a URL that cannot be meant is refused without quoting it', () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['redis://:s3cret@host/books', /database that is no number/],
    ['redis://:s3#cret@host', /percent-encoded/],
    ['redis://host/0#s3cret', /%23/],
    ['redis://:s3cret@host?x=1', /%3F/],
    ['redis://:s3%cret@host', /%25/],
    ['redis://s3cret@host', /:password@/],
    ['redis:///0', /names no host/],
    ['unix://:s3cret@localhost/x?d=1', /unix:\/\/\/path/],
    ['http://:s3cret@host', /redis:\/\//],
    ['s3cret', /no URL/],
  ];
  for (const [url, why] of bad) {
    assert.throws(
      () => parseRedisUrl(url),
      (error) => {
        assert.ok(error instanceof RangeError, url);
        assert.match(error.message, why, url);
        assert.ok(!/s3|cret/.test(error.message), error.message);
        return true;
      },
    );
  }
});
