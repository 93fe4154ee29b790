/**
 * The shipped alert rules and dashboard: whole, and explained. That they name only metrics which
 * exist is tested beside the metrics, in test/simulation/metrics.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

const text = readFileSync('systemd/keepa-deals.alerts.yml', 'utf8');
const rules = text.split(/^ {6}- alert: /m).slice(1);

test('there is a rule for each way in which it can fail its owner', () => {
  const names = rules.map((rule) => rule.split('\n', 1)[0]);
  assert.equal(new Set(names).size, names.length);
  for (const what of ['Down', 'Stalled', 'Starved', 'NoPoll', 'UnexpectedDrain', 'StaleTable']) {
    assert.ok(names.includes(`KeepaDeals${what}`), what);
  }
  for (const what of ['CoverageGap', 'PausedForLong']) {
    assert.ok(names.includes(`KeepaDeals${what}`), what);
  }
});

describe('each rule', () => {
  const guide = readFileSync('docs/operating.md', 'utf8');
  for (const rule of rules) {
    const [name = ''] = rule.split('\n', 1);
    test(`${name} has an expression, a severity, and says what to do`, () => {
      const expression = /^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/m.exec(rule);
      const said = expression?.[1] ?? expression?.[2] ?? '';
      assert.match(said, /\S/);
      for (const [open, close] of ['()', '{}', '[]']) {
        const count = (letter = ''): number => said.split(letter).length;
        assert.equal(count(open), count(close), `${open}${close} in ${said}`);
      }
      assert.match(rule, /^ {8}labels: \{ severity: (?:critical|warning) \}$/m);
      assert.match(rule, /^ {10}summary: \S/m);
      assert.match(rule, /^ {10}todo: \S/m);
      assert.ok(guide.includes(`\`${name}\``), 'docs/operating.md knows it');
      // Unquoted, a brace would begin a YAML mapping.
      assert.doesNotMatch(rule, /^ {10}(?:summary|todo): [^'\n]*\{\{/m);
    });
  }

  test('none but that of long pauses and stops is loud in a pause', () => {
    const late = rules.filter((rule) => /time\(\) -|_wait_seconds|freshness/.test(rule));
    const loud = late.filter((rule) => !rule.includes('keepa_deals_paused == 0'));
    assert.deepEqual(
      loud.map((rule) => rule.split('\n', 1)[0]),
      ['KeepaDealsCoverageGap', 'KeepaDealsPausedForLong'],
    );
  });
});

test('the dashboard is JSON with panels of their own, each with a question', () => {
  const dashboard = JSON.parse(readFileSync('systemd/keepa-deals.grafana.json', 'utf8'));
  const ids = dashboard.panels.map(({ id }: { id: number }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { title, targets } of dashboard.panels) {
    assert.ok(targets.length > 0, title);
    for (const { expr } of targets) assert.match(expr, /keepa_deals_/, title);
  }
});
