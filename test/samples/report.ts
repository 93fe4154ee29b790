/**
 * Shows what became of a folder of recorded Keepa responses, file by file.
 *
 *     npm run samples -- ../shared/samples
 *
 * Exits with 1 when a row failed or a file could not be read, with 2 when there is no such folder.
 */
import { existsSync } from 'node:fs';
import { type FileSurvey, surveySamples } from './survey.ts';

function describe(survey: FileSurvey): string[] {
  const { file, bodies, items, unit, failures, absent, notes } = survey;
  const counts = [`bodies ${bodies}`, `${unit} ${items}`, `failed ${failures.length}`];
  const fields = [...absent].map(([field, count]) => `${field} ${count}`);
  return [
    `${file}: ${counts.join(', ')}`,
    ...failures.map((failure) => `  FAILED ${failure}`),
    ...notes.map((note) => `  ${note}`),
    ...(fields.length === 0 ? [] : [`  absent: ${fields.join(', ')}`]),
  ];
}

function report(folder: string): void {
  const surveys = surveySamples(folder);
  const sum = (count: (survey: FileSurvey) => number): number =>
    surveys.reduce((total, survey) => total + count(survey), 0);
  const pages = surveys.filter((survey) => /_books_used_page\d\.json$/.test(survey.file));
  const asins = new Set(pages.flatMap((page) => page.rows.map((row) => row.asin)));
  const failed = sum((survey) => survey.failures.length);
  process.stdout.write(
    [
      ...surveys.flatMap(describe),
      '',
      `${surveys.length} files, ${sum((survey) => survey.bodies)} bodies, failed ${failed}`,
      `deal rows ${sum((survey) => survey.rows.length)}; the ${pages.length} pages of one sweep ` +
        `hold ${asins.size} distinct ASINs`,
      '',
    ].join('\n'),
  );
  if (failed > 0 || surveys.length === 0) process.exitCode = 1;
}

const [folder] = process.argv.slice(2);
if (folder === undefined || !existsSync(folder)) {
  process.stderr.write('usage: npm run samples -- <folder with recorded Keepa responses>\n');
  process.exitCode = 2;
} else {
  report(folder);
}
