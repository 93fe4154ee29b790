/**
 * Puts a canary into the daemon: patches one module's source text on its way to the compiler.
 *
 * To be called in a fresh process, before anything of `src/` is imported: a module that is compiled
 * already cannot be patched any more.
 */
import { registerHooks } from 'node:module';
import { canaries } from './canaries.ts';

const sourceRoot = new URL('../../src/', import.meta.url);

/**
 * From now on the canary's module has its bug.
 *
 * @throws for an unknown name; and, when the module is loaded, unless the text to be replaced
 *   occurs exactly once: a canary whose bug is gone would prove nothing.
 */
export function plantCanary(name: string): void {
  const canary = canaries[name];
  if (canary === undefined)
    throw new Error(`no canary "${name}": ${Object.keys(canaries).join(', ')}`);
  const { file, find, replace } = canary;
  const { href } = new URL(file, sourceRoot);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== href) return loaded;
      const source = String(loaded.source);
      const places = source.split(find).length - 1;
      if (places !== 1)
        throw new Error(`canary ${name}: its text occurs ${places} times in ${file}`);
      return { ...loaded, source: source.replace(find, () => replace) };
    },
  });
}
