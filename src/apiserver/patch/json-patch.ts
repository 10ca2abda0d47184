/** JSON patch (RFC 6902). */
import { applyPatch, type Operation } from 'rfc6902'
import { badRequest, tooLarge, unprocessable } from '../api-errors.ts'
import { isFields } from './merge-patch.ts'

const mostOperations = 10_000
const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

/** @returns a new value; throws 422 when an operation cannot be done or a test fails, and then nothing is done */
export function jsonPatch(target: object, patch: unknown): unknown {
  const checked = checkOperations(patch)
  const result: unknown = structuredClone(target)
  const failure = applyPatch(result, structuredClone(checked)).find((error) => error !== null)
  if (failure) throw unprocessable(failure.message)
  return result
}

function checkOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch is a list of operations')
  if (patch.length > mostOperations) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`)
  }
  for (const operation of patch) {
    if (!isFields(operation) || typeof operation['op'] !== 'string' || !operations.has(operation['op'])) {
      throw badRequest(`error decoding patch: unexpected operation ${JSON.stringify(operation)}`)
    }
    checkPointer(operation['path'])
    if (operation['from'] !== undefined) checkPointer(operation['from'])
  }
  return patch as Operation[]
}

/** Names that mean something to JavaScript are no fields of any object here. */
const unsafeTokens = new Set(['__proto__', 'constructor', 'prototype'])

function checkPointer(pointer: unknown): void {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) {
    throw badRequest(`error decoding patch: ${JSON.stringify(pointer)} is not a JSON pointer`)
  }
  if (pointer.split('/').some((token) => unsafeTokens.has(token))) {
    throw unprocessable(`the path ${JSON.stringify(pointer)} does not exist`)
  }
}
