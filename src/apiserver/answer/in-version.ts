/** Answers about a kind under an older version of its group, which has the same fields. */
import { apiVersionOf, type Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ApiResponse, EncodedWatchEvent } from '#api/wire.ts'
import { encodeEvent } from '../cache/encode-event.ts'

/** @param version as the path has it; undefined: the kind's own */
export function inVersion(answer: ApiResponse, kind: Kind, version: string | undefined): ApiResponse {
  const { body } = answer
  if (version === undefined || !body) return answer
  const [from, to] = [apiVersionOf(kind), apiVersionOf({ group: kind.group, version })]
  switch (body.type) {
    case 'object':
      return { ...answer, body: { type: 'object', value: renamed(body.value, from, to) } }
    case 'bytes': {
      // YAML: lists and objects say it at the beginning of a line, nested ones after spaces or a dash.
      const text = new TextDecoder().decode(body.value)
      const value = text.replaceAll(
        new RegExp(`^((?: *- )? *apiVersion: )${from.replaceAll('.', '\\.')}$`, 'gm'),
        `$1${to}`,
      )
      return { ...answer, body: { type: 'bytes', value: new TextEncoder().encode(value) } }
    }
    case 'watch':
      return { ...answer, body: { type: 'watch', events: renamedEvents(body.events, from, to) } }
    case 'stream':
      return answer
    default:
      return body satisfies never
  }
}

/** The object, those of a list, or those in the rows of a Table. */
function renamed(value: object, from: string, to: string): object {
  const { apiVersion, items, rows } = value as { apiVersion?: string; items?: object[]; rows?: { object?: object }[] }
  return {
    ...value,
    ...(apiVersion === from && { apiVersion: to }),
    ...(apiVersion === from && items && { items: items.map((item) => renamed(item, from, to)) }),
    ...(rows && { rows: rows.map((row) => (row.object ? { ...row, object: renamed(row.object, from, to) } : row)) }),
  }
}

async function* renamedEvents(
  batches: AsyncIterable<readonly EncodedWatchEvent[]>,
  from: string,
  to: string,
): AsyncGenerator<readonly EncodedWatchEvent[]> {
  for await (const batch of batches) {
    yield batch.map(({ event: { type, object } }) => encodeEvent(type, renamed(object, from, to) as KubeObject))
  }
}
