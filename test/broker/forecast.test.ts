import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forecastAdmission } from '../../src/broker/forecast.ts';
import { dealCall, productCall } from './broker-world.ts';
import { situationOf } from './situation.ts';

const tickMs = 60_215;

describe('forecast', () => {
  it('sees nothing coming without a head', () => {
    assert.equal(forecastAdmission(situationOf({ credit: { upsert: 50 } })), undefined);
  });

  it('names this moment when something is affordable', () => {
    const situation = situationOf({
      credit: { upsert: 5 },
      queued: [['upsert', dealCall]],
      nowMs: 9,
    });
    assert.deepEqual(forecastAdmission(situation), { atMs: 9, balance: 5 });
  });

  it('deals the coming lumps: a share each tick, and the reserves first', () => {
    const situation = situationOf({ queued: [['upsert', dealCall]] });
    // Three lumps: 6.75 of its own and 3 x 1.75 from the idle classes without a reserve.
    assert.deepEqual(forecastAdmission(situation), { atMs: 60_000 + tickMs, balance: 10 });
  });

  it('looks no further than ten hours', () => {
    const situation = situationOf({
      rate: 1,
      queued: [['interactive', productCall(1, 40)]],
      commons: -700,
    });
    assert.equal(forecastAdmission(situation), undefined);
  });
});
