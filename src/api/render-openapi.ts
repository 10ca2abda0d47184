/** OpenAPI v3 documents, one for each group version, from the declarations of the kinds. */
import { apiVersionOf, type Kind } from './kind.ts'
import { renderPaths } from './render-openapi-paths.ts'
import { SchemaCollection } from './render-openapi-schema.ts'

export interface GroupVersion {
  readonly group: string
  readonly version: string
}

export type OpenApiDocument = Readonly<Record<string, unknown>>

/** The document at `/openapi/v3/{path of the group version}`. */
export function renderOpenApiV3(
  kinds: readonly Kind[],
  groupVersion: GroupVersion,
  serverVersion = 'v1.36.0',
): OpenApiDocument {
  const own = kinds.filter(({ group, version }) => group === groupVersion.group && version === groupVersion.version)
  const schemas = new SchemaCollection()
  for (const kind of own) schemas.addKind(kind)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: serverVersion },
    paths: Object.assign({}, ...own.map((kind) => renderPaths(kind, schemas))) as object,
    components: { schemas: schemas.all() },
  }
}

/** `api/v1` or `apis/apps/v1`: the name of a group version in the index and in URLs. */
export function openApiPathOf(groupVersion: GroupVersion): string {
  return groupVersion.group === '' ? `api/${groupVersion.version}` : `apis/${apiVersionOf(groupVersion)}`
}

/** The document at `/openapi/v3`. The hash makes a URL change with its content, as clients cache by URL. */
export function renderOpenApiIndex(hashes: Readonly<Record<string, string>>): object {
  const entries = Object.entries(hashes).map(([path, hash]) => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
  ])
  return { paths: Object.fromEntries(entries) as object }
}

/**
 * OpenAPI v2 in protobuf, without paths and definitions: enough for every client that insists on asking for it.
 * `swagger: "2.0"`, `info: {title: "Kubernetes", version: "v1.32.0"}`.
 */
export const openApiV2: Uint8Array = Uint8Array.from(
  '0a03322e3012150a0a4b756265726e65746573120776312e33322e3042004a00'.match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
)

export const openApiV2ContentType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
