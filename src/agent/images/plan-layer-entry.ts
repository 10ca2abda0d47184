/** What a tar entry of a layer asks for (OCI image spec, "Image Layer Filesystem Changeset"). */

/** The fields of a tar header that matter here. */
export interface LayerHeader {
  readonly name: string
  readonly type?: string
  readonly linkname?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: Date
  readonly pax?: Readonly<Record<string, string>>
}

/** Path components below the image's root; empty for the root itself. */
export type LayerPath = readonly string[]

export type LayerEntry =
  | { readonly kind: 'directory' | 'file' | 'pipe'; readonly path: LayerPath }
  | { readonly kind: 'symlink'; readonly path: LayerPath; readonly target: string }
  | { readonly kind: 'link'; readonly path: LayerPath; readonly target: LayerPath }
  /** The name vanishes from the layers below. */
  | { readonly kind: 'whiteout'; readonly path: LayerPath }
  /** Nothing of the layers below shows in this directory. */
  | { readonly kind: 'opaque'; readonly path: LayerPath }
  | { readonly kind: 'skip'; readonly path: LayerPath; readonly why: 'device' | 'aufs' | 'root' }

const whiteoutPrefix = '.wh.'
const opaqueMark = '.wh..wh..opq'
const aufsPrefix = '.wh..wh.'

/** Throws an Error for names that would leave the image. */
export function planLayerEntry(header: LayerHeader): LayerEntry {
  const path = splitInside(header.name, header.name)
  const name = path.at(-1)
  if (name === undefined)
    return header.type === 'directory' ? { kind: 'directory', path } : { kind: 'skip', path, why: 'root' }
  const parent = path.slice(0, -1)
  if (name === opaqueMark) return { kind: 'opaque', path: parent }
  if (path.some((part) => part.startsWith(aufsPrefix))) return { kind: 'skip', path, why: 'aufs' }
  if (!name.startsWith(whiteoutPrefix)) return planOrdinary(header, path)
  const removed = name.slice(whiteoutPrefix.length)
  if (removed === '' || removed === '.' || removed === '..')
    throw new Error(`entry ${quote(header.name)} removes no name`)
  return { kind: 'whiteout', path: [...parent, removed] }
}

function planOrdinary(header: LayerHeader, path: LayerPath): LayerEntry {
  const target = header.linkname ?? ''
  switch (header.type ?? 'file') {
    case 'directory':
      return { kind: 'directory', path }
    case 'file':
      return { kind: 'file', path }
    case 'fifo':
      return { kind: 'pipe', path }
    case 'symlink':
      if (target === '') throw new Error(`entry ${quote(header.name)} is a symbolic link to nothing`)
      return { kind: 'symlink', path, target }
    case 'link':
      return { kind: 'link', path, target: splitInside(target, header.name) }
    case 'character-device':
    case 'block-device':
      return { kind: 'skip', path, why: 'device' }
    default:
      throw new Error(`entry ${quote(header.name)} has the unknown type ${quote(header.type ?? '')}`)
  }
}

function splitInside(name: string, entry: string): LayerPath {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || name.includes('\0')) throw new Error(`entry ${quote(entry)} points outside of the image`)
  return parts
}

/** Attributes that the file is to have. Overlayfs' own would let an image redirect into other directories. */
export function selectXattrs(header: LayerHeader): readonly (readonly [string, string])[] {
  return Object.entries(header.pax ?? {}).flatMap(([key, value]) => {
    const name = key.startsWith('SCHILY.xattr.') ? key.slice('SCHILY.xattr.'.length) : ''
    const allowed = name === 'security.capability' || (name.startsWith('user.') && !name.startsWith('user.overlay.'))
    return allowed && !isDamaged(value) ? [[name, value] as const] : []
  })
}

/** The tar reader decodes values as UTF-8; a value that was not UTF-8 is lost. */
const isDamaged = (value: string) => value.includes('\ufffd')

const quote = (text: string) => JSON.stringify(text)
