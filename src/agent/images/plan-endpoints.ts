/** Which servers are asked for an image, in which order. */

/** What the cluster configuration says about one registry, by its name in references (`docker.io`). */
export interface RegistryConfig {
  /** Base URLs (`http://127.0.0.1:5000`), asked in order before the registry itself. */
  readonly mirrors?: readonly string[]
  /** True: the registry itself is never asked. */
  readonly mirrorsOnly?: boolean
  /** True: the registry speaks plain HTTP. Default: only on localhost and 127.0.0.0/8. */
  readonly plainHttp?: boolean
}

export type RegistriesConfig = Readonly<Record<string, RegistryConfig>>

export interface Endpoint {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** Pull secrets belong to the registry; they are not shown to its mirrors. */
  readonly takesCredentials: boolean
}

export function planEndpoints(registry: string, registries: RegistriesConfig): readonly Endpoint[] {
  const config = registries[registry] ?? {}
  const mirrors = (config.mirrors ?? []).map((url) => ({ baseUrl: trimSlash(url), takesCredentials: false }))
  return config.mirrorsOnly ? mirrors : [...mirrors, { baseUrl: originUrl(registry, config), takesCredentials: true }]
}

function originUrl(registry: string, config: RegistryConfig): string {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  return `${(config.plainHttp ?? isLoopback(registry)) ? 'http' : 'https'}://${host}`
}

function isLoopback(registry: string): boolean {
  const host = registry.replace(/:[0-9]+$/, '')
  return host === 'localhost' || host === '[::1]' || /^127(\.[0-9]{1,3}){3}$/.test(host)
}

const trimSlash = (url: string) => url.replace(/\/+$/, '')
