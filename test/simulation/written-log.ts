/**
 * What the command line would have written of a simulated daemon's log: every line goes through the
 * real log as it is said, in the daemon's own time.
 */
import { createLog } from '../../src/runtime/log-writer.ts';
import type { Simulation } from './simulated-daemon.ts';

export class WrittenLog {
  text = '';

  constructor(simulation: Pick<Simulation, 'clock' | 'log'>, format: 'human' | 'json' = 'json') {
    const log = createLog({
      clock: simulation.clock,
      write: (text) => {
        this.text += text;
      },
      format,
      level: 'info',
      // None: what must never be written has to be kept out before this.
      secrets: [],
      colour: false,
    });
    simulation.log.listen(({ level, scope, event, fields }) => {
      log.scoped(scope)[level](event, fields);
    });
  }

  get bytes(): number {
    return Buffer.byteLength(this.text);
  }
}
