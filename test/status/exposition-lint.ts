/**
 * Reads a Prometheus exposition and says what is wrong with it, as promtool's `check metrics` does,
 * and what our own rules add: the prefix, base units, labels of known and few values.
 */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposed {
  readonly help: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, string>;
  readonly series: readonly Series[];
  /** Lines that are none of these. */
  readonly strange: readonly string[];
}

const seriesLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

export function readExposition(text: string): Exposed {
  const help = new Map<string, string>();
  const types = new Map<string, string>();
  const series: Series[] = [];
  const strange: string[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    const [, name = '', pairs = '', value = ''] = seriesLine.exec(line) ?? [];
    const labels = labelsIn(pairs);
    if (kind === 'HELP' && !help.has(about)) help.set(about, rest);
    else if (kind === 'TYPE' && !types.has(about)) types.set(about, rest);
    else if (name !== '' && labels !== undefined)
      series.push({ name, labels, value: Number(value) });
    else strange.push(line);
  }
  return { help, types, series, strange };
}

function labelsIn(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < text.length) {
    const [, name = '', value = ''] = labelPair.exec(text) ?? [];
    if (name === '' || Object.hasOwn(labels, name)) return undefined;
    labels[name] = value;
  }
  return labels;
}

/** Parts of names that say another unit than a base one. */
const otherUnits =
  /_(?:ms|millis\w*|micros\w*|nanos\w*|minutes?|hours?|days?|kb|mb|kilobytes|percent)(?:_|$)/;
const ownLabels = new Set(['class', 'feed', 'state', 'reason', 'outcome', 'loop', 'version']);
/** Six outcomes of six classes. */
const seriesPerNameMax = 60;

/** What is wrong; empty: nothing is. */
export function lint(text: string): readonly string[] {
  const { help, types, series, strange } = readExposition(text);
  const says: string[] = strange.map((line) => `not understood: ${line}`);
  const names = new Set([...help.keys(), ...types.keys(), ...series.map(({ name }) => name)]);
  for (const name of names) {
    if ((help.get(name) ?? '').trim().length < 5) says.push(`${name}: no HELP`);
    const type = types.get(name);
    if (type !== 'counter' && type !== 'gauge') says.push(`${name}: no TYPE, or ${type}`);
    if (type === 'counter' && !name.endsWith('_total')) says.push(`${name}: counter, no _total`);
    if (type === 'gauge' && name.endsWith('_total')) says.push(`${name}: gauge in _total`);
    if (!/^keepa_deals_[a-z][a-z0-9_]*[a-z0-9]$/.test(name)) says.push(`${name}: name`);
    if (otherUnits.test(name)) says.push(`${name}: not a base unit`);
    if (/_(?:gauge|counter|count|sum|bucket|info_\w+)$/.test(name)) says.push(`${name}: its end`);
    const own = series.filter((each) => each.name === name);
    if (own.length > seriesPerNameMax) says.push(`${name}: ${own.length} series`);
  }
  const seen = new Set<string>();
  for (const { name, labels, value } of series) {
    const key = `${name} ${JSON.stringify(Object.entries(labels).toSorted())}`;
    if (seen.has(key)) says.push(`${key}: twice`);
    seen.add(key);
    if (!Number.isFinite(value)) says.push(`${key}: ${value}`);
    if (types.get(name) === 'counter' && value < 0) says.push(`${key}: a counter below zero`);
    for (const [label, held] of Object.entries(labels)) {
      if (!ownLabels.has(label)) says.push(`${key}: label ${label}`);
      if (!/^[a-z0-9][A-Za-z0-9.:_-]{0,63}$/.test(held)) says.push(`${key}: ${label} is ${held}`);
      if (/^B0[0-9A-Z]{8}$/.test(held)) says.push(`${key}: a product as a label`);
    }
  }
  return says;
}
