/**
 * Who may import whom. An import goes to a strictly lower floor or stays in its folder; folders on
 * one floor never import each other. The simulator is a wing beside the house: it looks in through
 * a few doors, and only the command line and the tests look into it.
 */
import type { Finding, Rule, SourceFile } from './finding.ts';
import { isSource } from './finding.ts';
import { importsOf, packageOf } from './imports.ts';

/** A part is a folder of `src/`, or the files beside them that share a first word. */
const floors: Readonly<Record<string, number>> = {
  main: 8,
  cli: 7,
  daemon: 6,
  status: 5,
  actors: 4,
  broker: 3,
  store: 3,
  coordination: 3,
  analysis: 2,
  keepa: 1,
  config: 0,
  runtime: 0,
};

const wing = 'simulator';
const wingMayImport =
  /^src\/(simulator\/|runtime\/|keepa\/|config[-.][^/]*$|coordination\/ports\.ts$)/;

export const floorRule: Rule = {
  name: 'imports go to a lower floor or stay in their folder',
  check: (file) =>
    !isSource(file)
      ? []
      : importsOf(file)
          .filter(({ isRelative }) => isRelative)
          .flatMap(({ target, line }) => {
            const says = objectionTo(file.path, target);
            return says === undefined ? [] : [{ path: file.path, line, says }];
          }),
};

function objectionTo(from: string, target: string): string | undefined {
  if (!target.startsWith('src/')) return `imports ${target}: src imports nothing outside itself`;
  const [here, there] = [partOf(from), partOf(target)];
  if (here === wing) {
    return wingMayImport.test(target) ? undefined : `the simulator may not import ${target}`;
  }
  if (there === wing) {
    return here === 'cli' ? undefined : `imports ${target}: only cli/ and test/ may`;
  }
  const [hereFloor, thereFloor] = [floors[here], floors[there]];
  if (hereFloor === undefined) return `${here} has no floor: give it one in test/tidy/floors.ts`;
  if (here === there || (thereFloor !== undefined && thereFloor < hereFloor)) return undefined;
  return `${here} (floor ${hereFloor}) imports ${target} (floor ${thereFloor ?? 'none'})`;
}

function partOf(path: string): string {
  const [, first = '', ...inside] = path.split('/');
  return inside.length > 0 ? first : (/^[a-z]+/.exec(first)?.[0] ?? first);
}

export const knownPartRule: Rule = {
  name: 'every file under src belongs to a part that has a floor',
  check: ({ path }) =>
    !path.startsWith('src/') || partOf(path) === wing || Object.hasOwn(floors, partOf(path))
      ? []
      : [{ path, line: 1, says: `${partOf(path)} has no floor: see test/tidy/floors.ts` }],
};

export const writtenOutRule: Rule = {
  name: 'imports name their file in so many words',
  check: (file) =>
    file.code.flatMap(({ text, line }, at) => {
      const [before, open, name] = [file.code[at - 1], file.code[at + 1], file.code[at + 2]];
      const isCall = text === 'import' && before?.text !== '.' && open?.text === '(';
      if (!isSource(file) || !isCall || name?.kind === 'text') return [];
      return [{ path: file.path, line, says: 'imports a computed name: no rule can follow it' }];
    }),
};

/** Packages that stay behind one door, so that what they wrap can be swapped. */
const doors: readonly { readonly name: string; readonly where: RegExp }[] = [
  {
    name: 'better-sqlite3',
    where: /^src\/(store\/database-file|coordination\/embedded[a-z-]*)\.ts$/,
  },
  { name: 'consola', where: /^src\/runtime\// },
  { name: 'hono', where: /^src\/status\// },
  { name: 'kysely', where: /^src\/store\// },
  { name: 'p-queue', where: /^src\/runtime\// },
  { name: 'ioredis', where: /^src\/coordination\// },
  { name: 'undici', where: /^src\/(keepa\/|cli\/control-client\.ts$)/ },
];

export const doorRule: Rule = {
  name: 'a package is imported only behind its door',
  check: (file) =>
    packagesOf(file).flatMap(({ name, line }) => {
      const door = doors.find((each) => each.name === name);
      if (door === undefined || door.where.test(file.path)) return [];
      return [{ path: file.path, line, says: `imports ${name}: only ${door.where.source} may` }];
    }),
};

/** Packages that one file alone imports, besides those that `except` names. */
const singles: readonly { readonly name: string; readonly except?: RegExp }[] = [
  { name: 'ioredis' },
  { name: 'undici', except: /^src\/cli\/control-client\.ts$/ },
];

/** Looks at all files together: the second importer is the finding. */
export function secondImporters(files: readonly SourceFile[]): Finding[] {
  return singles.flatMap(({ name, except }) => {
    const importers = files.flatMap((file) => {
      const found = packagesOf(file).find((each) => each.name === name);
      return found === undefined || except?.test(file.path)
        ? []
        : [{ path: file.path, line: found.line }];
    });
    const [first, ...others] = importers;
    return others.map((at) => ({ ...at, says: `imports ${name}, as ${first?.path} already does` }));
  });
}

function packagesOf(file: SourceFile): { readonly name: string; readonly line: number }[] {
  if (!isSource(file)) return [];
  return importsOf(file)
    .filter(({ isRelative }) => !isRelative)
    .map(({ target, line }) => ({ name: packageOf(target), line }));
}
