/** Which objects of a kind a list, watch or collection delete means: label and field selectors as one predicate. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { parseFieldSelector } from '#api/parse-field-selector.ts'
import { parseLabelSelector, SelectorSyntaxError } from '#api/parse-selector.ts'
import { badRequest } from '../api-errors.ts'

export interface Selection {
  /** No selector was given. */
  readonly everything: boolean
  readonly matches: (object: KubeObject) => boolean
}

/** @param name only the object of that name, for watches of one object */
export function parseSelection(kind: Kind, query: URLSearchParams, name?: string): Selection {
  const labelText = query.get('labelSelector') ?? ''
  const fieldText = query.get('fieldSelector') ?? ''
  if (labelText === '' && fieldText === '' && name === undefined) return { everything: true, matches: () => true }
  const labels = asBadRequest(() => parseLabelSelector(labelText))
  const fields = asBadRequest(() => parseFieldSelector(kind, fieldText))
  return {
    everything: false,
    matches: (object) =>
      (name === undefined || object.metadata.name === name) && labels(object.metadata.labels) && fields(object),
  }
}

function asBadRequest<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequest(error.message)
    throw error
  }
}
