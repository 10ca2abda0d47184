/** Stands in for `node:test` in test files whose tests are only to be named (`read-test-names.ts`). */

interface Options {
  readonly skip?: boolean | string
  readonly todo?: boolean | string
}

const names: string[] = []
const path: string[] = []

export function takeNames(): string[] {
  return names.splice(0)
}

/**
 * A test that never runs proves nothing and is not named; one that is skipped for a reason runs where there is none.
 * @public
 */
export function test(name: string, options?: Options | (() => unknown)): void {
  if (typeof options === 'object' && (options.skip === true || options.todo)) return
  names.push([...path, name].join(' > '))
}

/** @public */
export const it = test

/** @public */
export function describe(name: string, ...rest: readonly unknown[]): void {
  path.push(name)
  ;(rest.at(-1) as () => void)()
  path.pop()
}

const nothing = (): void => {}
/** @public */
export const before = nothing
/** @public */
export const after = nothing
