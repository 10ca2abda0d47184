/** Protobuf request bodies. */
import { decodeProtobuf } from '#api/decode-protobuf.ts'
import { ProtobufError } from '#api/protobuf-reader.ts'
import { badRequest } from '../api-errors.ts'

/** The JSON shape of the message, with the apiVersion and kind that its envelope names. */
export function readProtobuf(bytes: Uint8Array): unknown {
  try {
    return decodeProtobuf(bytes).object
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(error.message)
    throw error
  }
}
