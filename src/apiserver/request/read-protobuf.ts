/** Protobuf request bodies. */
import type { ObjectSchema } from '#api/schema.ts'
import { unsupportedMediaType } from '../api-errors.ts'

export function readProtobuf(_bytes: Uint8Array, _schema: ObjectSchema): unknown {
  throw unsupportedMediaType(['application/json', 'application/yaml'])
}
