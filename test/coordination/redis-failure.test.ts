/**
 * What errors of servers mean that are not at hand here, by what those versions say.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redisFailure } from '../../src/coordination/redis-failure.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';

const place = parseRedisUrl('redis://127.0.0.1:6379');
/** As versions before 7 tell what stopped a script. */
const framed = 'ERR Error running script (call to f_0f1c): @user_script:3: ';

const meanings: readonly (readonly [string, RegExp])[] = [
  ["NOPERM this user has no permissions to run the 'eval' command", /may not do what is needed/],
  [
    `${framed}@user_script: 3: The user executing the script can't run this command`,
    /may not do what is needed/,
  ],
  [
    "ERR The user executing the script can't run this command or subcommand script: 0f1c",
    /may not do what is needed/,
  ],
  [
    "ERR ACL failure in script: User u has no permissions to run the 'hset' command",
    /may not do what is needed/,
  ],
  [`${framed}-OOM command not allowed when used memory > 'maxmemory'.`, /its memory is full/],
  [`${framed}-READONLY You can't write against a read only replica.`, /read-only replica/],
  [`${framed}-MISCONF Redis is configured to save RDB snapshots`, /cannot save to its disk/],
  ['LOADING Redis is loading the dataset in memory', /not ready \(LOADING\)/],
  [`${framed}-MASTERDOWN Link with MASTER is down`, /not ready \(MASTERDOWN\)/],
  ['ERR something else', /it answers with an error \(ERR\)/],
];
for (const [said, meaning] of meanings) {
  test(`"${said.slice(0, 90)}" is understood`, () => {
    const error = Object.assign(new Error(said), { name: 'ReplyError' });
    assert.match(redisFailure(error, { place, during: 'command' }).message, meaning);
  });
}
