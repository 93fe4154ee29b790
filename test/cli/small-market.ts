/** A dozen rows on a rich plan: a daemon that has seen all there is within a second. */
import type { Place } from './run-cli.ts';

export const key = 'k3y0123456789k3y0123456789k3y0123456789';

export const toml = `data_dir = "data"
[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
`;

/** Starts the simulated Keepa in `place`; what a daemon needs to know to ask it. */
export async function smallMarket(place: Place): Promise<Record<string, string>> {
  const market = ['--port', '0', '--rows', '12', '--rate', '600', '--key', key];
  const running = place.start(['simulate', '--json', '--latency', '5', ...market]);
  const [, url = ''] = await running.until(/"url":"([^"]+)"/);
  return { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
}
