/** One promise of a Service proxy, and by what it is proven. Packet cases name the rows that they prove (`covers`). */

export interface NamedTest {
  /** From the root of the repository. */
  readonly file: string
  readonly name: string
}

/** That a promise is not kept here, in the words of docs/limits.md. */
export interface Limit {
  readonly limit: string
}

export interface Row {
  readonly id: string
  readonly promise: string
  /** Beside the packet cases that name it. */
  readonly tests: readonly NamedTest[]
  readonly limits: readonly Limit[]
}

export interface RowGroup {
  readonly title: string
  readonly rows: readonly Row[]
}

export type Proof = Limit | readonly NamedTest[]

export function row(id: string, promise: string, ...proofs: readonly Proof[]): Row {
  const isLimit = (proof: Proof): proof is Limit => 'limit' in proof
  return { id, promise, limits: proofs.filter(isLimit), tests: proofs.flatMap((one) => (isLimit(one) ? [] : one)) }
}

export const limit = (text: string): Limit => ({ limit: text })

export const testsOf =
  (file: string) =>
  (...names: readonly string[]): readonly NamedTest[] =>
    names.map((name) => ({ file, name }))
