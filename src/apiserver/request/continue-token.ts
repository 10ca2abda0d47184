/** Where a list goes on, and at which revision it began. Opaque to clients. */
import { badRequest } from '../api-errors.ts'

export interface ContinueToken {
  readonly revision: number
  /** Last key of the page before, without the resource's prefix. */
  readonly after: string
}

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.after })).toString(
    'base64url',
  )
}

export function decodeContinue(text: string): ContinueToken {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>
    if (v === 'meta.k8s.io/v1' && Number.isSafeInteger(rv) && typeof start === 'string' && start !== '') {
      return { revision: rv as number, after: start }
    }
  } catch {
    // Falls through to the one answer for every unreadable token.
  }
  throw badRequest('continue key is not valid: the token was not made by this server')
}
