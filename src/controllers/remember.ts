/** Memory for pure functions of cached objects: those never change, so a result holds as long as its argument lives. */

export function remember<A extends object, R>(compute: (argument: A) => R): (argument: A) => R {
  const known = new WeakMap<A, { readonly result: R }>()
  return (argument) => {
    let entry = known.get(argument)
    if (!entry) known.set(argument, (entry = { result: compute(argument) }))
    return entry.result
  }
}

export function rememberPair<A extends object, B extends object, R>(compute: (a: A, b: B) => R): (a: A, b: B) => R {
  const byFirst = remember((a: A) => remember((b: B) => compute(a, b)))
  return (a, b) => byFirst(a)(b)
}
