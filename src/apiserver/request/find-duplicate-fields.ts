/** Fields that stand twice in one object of a JSON text, which JSON.parse keeps silent about. */

/** @param text correct JSON @returns paths in the order of the text: `spec.replicas`, `spec.ports[0].name` */
export function findDuplicateFields(text: string): string[] {
  const found: string[] = []
  const scanner = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs
  const stack: Level[] = []
  let key: string | undefined
  for (let match = scanner.exec(text); match; match = scanner.exec(text)) {
    const token = match[0]
    const level = stack.at(-1)
    switch (token) {
      case '{':
      case '[':
        stack.push({ path: pathBelow(level), keys: token === '{' ? new Set() : undefined, index: 0, key: undefined })
        break
      case '}':
      case ']':
        stack.pop()
        break
      case ',':
        if (level) level.index++
        break
      case ':':
        if (level?.keys && key !== undefined) noteKey(level, key, found)
        break
      default:
        key = token
    }
  }
  return found
}

interface Level {
  readonly path: string
  /** Undefined in an array. */
  readonly keys: Set<string> | undefined
  index: number
  key: string | undefined
}

function noteKey(level: Level, quoted: string, found: string[]): void {
  const key = JSON.parse(quoted) as string
  level.key = key
  if (level.keys?.has(key)) found.push(level.path === '' ? key : `${level.path}.${key}`)
  level.keys?.add(key)
}

function pathBelow(level: Level | undefined): string {
  if (!level) return ''
  if (!level.keys) return `${level.path}[${level.index}]`
  return level.path === '' ? (level.key ?? '') : `${level.path}.${level.key}`
}
