/** Which form of answer a client asked for. */
import { notAcceptable } from '../api-errors.ts'

export interface Accepted {
  /** How objects are transformed before they are written. */
  readonly as: 'object' | 'table' | 'metadata' | 'metadataList'
  /** Version of meta.k8s.io for Tables and PartialObjectMetadata. */
  readonly version: 'v1' | 'v1beta1'
  readonly encoding: 'json' | 'yaml'
}

const plainJson: Accepted = { as: 'object', version: 'v1', encoding: 'json' }
const served = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

interface MediaRange {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * The first acceptable entry of the header, in the order given (quality values are not weighed, as in Kubernetes'
 * own clients nothing depends on them).
 * @param transforms whether the endpoint can answer with Tables and PartialObjectMetadata
 */
export function parseAccept(header: string | undefined, transforms = true): Accepted {
  if (header === undefined || header.trim() === '') return plainJson
  const ranges = parseMediaRanges(header)
  for (const range of ranges) {
    const encoding = encodingOf(range.type)
    if (!encoding) continue
    const as = range.parameters.get('as')
    if (as === undefined) return { ...plainJson, encoding }
    const transformed = transforms ? transformation(as, range.parameters) : undefined
    if (transformed) return { ...transformed, encoding }
  }
  throw notAcceptable(served.slice(0, 2))
}

export function parseMediaRanges(header: string): MediaRange[] {
  return header.split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim())
    const pairs = parameters.map((parameter): [string, string] => {
      const [name = '', value = ''] = parameter.split('=')
      return [name.trim().toLowerCase(), value.trim()]
    })
    return { type: type.toLowerCase(), parameters: new Map(pairs) }
  })
}

function encodingOf(type: string): 'json' | 'yaml' | undefined {
  if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'json'
  return type === 'application/yaml' ? 'yaml' : undefined
}

function transformation(as: string, parameters: ReadonlyMap<string, string>): Omit<Accepted, 'encoding'> | undefined {
  const version = parameters.get('v')
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined
  if (as === 'Table') return { as: 'table', version }
  if (as === 'PartialObjectMetadata') return { as: 'metadata', version }
  return as === 'PartialObjectMetadataList' ? { as: 'metadataList', version } : undefined
}
