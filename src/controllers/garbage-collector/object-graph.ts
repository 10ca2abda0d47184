/** All objects of all kinds by uid, and who depends on whom. */
import { apiVersionOf } from '#api/kind.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject, OwnerReference } from '#api/meta.ts'

export interface Known {
  readonly kind: Kind
  readonly object: KubeObject
}

export class Graph {
  readonly #kinds: ReadonlyMap<string, Kind>
  readonly #byUid = new Map<string, Known>()
  readonly #dependents = new Map<string, Set<string>>()
  /** Owners of something that are known to be gone: uids never come back. */
  readonly #absent = new Set<string>()

  constructor(kinds: readonly Kind[]) {
    this.#kinds = new Map(kinds.map((kind) => [kindKey(apiVersionOf(kind), kind.kind), kind]))
  }

  kindOf({ apiVersion, kind }: Pick<OwnerReference, 'apiVersion' | 'kind'>): Kind | undefined {
    return this.#kinds.get(kindKey(apiVersion, kind))
  }

  /** Keys are uids: an object that is deleted and made again is another node of the graph. */
  find(uid: string): Known | undefined {
    return this.#byUid.get(uid)
  }

  byUid(uid: string): Known | undefined {
    return this.#byUid.get(uid)
  }

  dependentsOf(uid: string): Known[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#byUid.get(dependent) ?? [])
  }

  put(kind: Kind, object: KubeObject, before: KubeObject | undefined): void {
    const { uid = '', ownerReferences = [] } = object.metadata
    this.#byUid.set(uid, { kind, object })
    for (const owner of before?.metadata.ownerReferences ?? []) this.#unlink(owner.uid, uid)
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set()
      this.#dependents.set(owner.uid, dependents.add(uid))
    }
  }

  remove({ metadata }: KubeObject): void {
    const { uid = '', ownerReferences = [] } = metadata
    this.#byUid.delete(uid)
    for (const owner of ownerReferences) this.#unlink(owner.uid, uid)
    if (this.#dependents.has(uid)) this.#absent.add(uid)
  }

  isKnownAbsent(uid: string): boolean {
    return this.#absent.has(uid)
  }

  markAbsent(uid: string): void {
    this.#absent.add(uid)
  }

  #unlink(ownerUid: string, uid: string): void {
    const dependents = this.#dependents.get(ownerUid)
    dependents?.delete(uid)
    if (dependents?.size !== 0) return
    this.#dependents.delete(ownerUid)
    this.#absent.delete(ownerUid)
  }
}

function kindKey(apiVersion: string, kind: string): string {
  return `${apiVersion} ${kind}`
}
