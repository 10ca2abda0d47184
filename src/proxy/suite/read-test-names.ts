/**
 * The names of the tests in a file, as the file itself makes them: it is run with a `node:test` that only takes notes. So
 * names out of tables are seen, and what is commented out is not.
 */
import { registerHooks } from 'node:module'
import { takeNames } from './recorded-tests.ts'

const mark = '?names'
const recorder = new URL('./recorded-tests.ts', import.meta.url).href

/** A module runs once, so its names are kept. One file at a time. */
const known = new Map<string, ReadonlySet<string>>()

export async function readTestNames(file: URL): Promise<ReadonlySet<string>> {
  let names = known.get(file.href)
  if (!names) {
    using _hooks = hooked()
    await import(`${file.href}${mark}`)
    known.set(file.href, (names = new Set(takeNames())))
  }
  return names
}

function hooked(): Disposable {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'node:test' && context.parentURL?.endsWith(mark)
        ? { url: recorder, shortCircuit: true }
        : next(specifier, context),
  })
  return { [Symbol.dispose]: () => hooks.deregister() }
}
