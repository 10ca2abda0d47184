/** examples/hello as objects. */
import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import type { Deployment } from '#api/deployment.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Service } from '#api/service.ts'

export function examples(): { readonly deployment: Deployment; readonly service: Service } {
  return { deployment: read('deployment') as Deployment, service: read('service') as Service }
}

function read(name: string): KubeObject {
  const file = new URL(`../../examples/hello/${name}.yaml`, import.meta.url)
  const object = load(readFileSync(file, 'utf8')) as KubeObject
  return { ...object, metadata: { namespace: 'default', ...object.metadata } }
}
