/** Kubeconfig text as a value: adding and removing our entries while everything else, comments too, stays. */
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import type { KubeconfigEntry } from './kubeconfig-entry.ts'

const emptyConfig =
  'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\ncurrent-context: ""\npreferences: {}\n'

/** What happened to current-context, to be told to the user. */
export interface ContextChange {
  readonly text: string
  readonly switched: boolean
  /** The current context before; empty when there was none. */
  readonly before: string
}

export interface AddOptions {
  /** Switch whatever the current context is. */
  readonly switchContext?: boolean
}

export function renderAddedEntry(text: string, entry: KubeconfigEntry, options: AddOptions = {}): ContextChange {
  const document = parseKubeconfig(text)
  const name = entry.context
  upsert(document, 'clusters', name, {
    name,
    cluster: { server: entry.server, 'certificate-authority-data': entry.caData },
  })
  upsert(document, 'users', name, {
    name,
    user: { 'client-certificate-data': entry.clientCertificateData, 'client-key-data': entry.clientKeyData },
  })
  upsert(document, 'contexts', name, { name, context: { cluster: name, user: name } })
  const before = currentContext(document)
  const switched = before !== name && (options.switchContext === true || isSafeToLeave(before))
  if (switched) document.set('current-context', name)
  return { text: document.toString({ lineWidth: 0 }), switched, before }
}

/** Removes our entries; a current context that was ours is emptied, or goes back to `restore` when that exists. */
export function renderRemovedEntry(text: string, context: string, restore?: string): ContextChange {
  const document = parseKubeconfig(text)
  for (const list of ['clusters', 'users', 'contexts']) remove(document, list, context)
  const before = currentContext(document)
  if (before !== context) return { text: document.toString({ lineWidth: 0 }), switched: false, before }
  const known = restore !== undefined && names(document, 'contexts').includes(restore)
  document.set('current-context', known ? restore : '')
  return { text: document.toString({ lineWidth: 0 }), switched: true, before }
}

export function hasContext(text: string, context: string): boolean {
  return names(parseKubeconfig(text), 'contexts').includes(context)
}

/** Contexts of tools that make local clusters: leaving one cannot send a command to production. */
function isSafeToLeave(context: string): boolean {
  return context === '' || /^(frontdesk-|kind-|k3d-)/.test(context) || ['minikube', 'docker-desktop'].includes(context)
}

function parseKubeconfig(text: string): Document {
  const document = parseDocument(text.trim() === '' ? emptyConfig : text)
  if (document.errors.length > 0) throw new Error(`Cannot read the kubeconfig: ${document.errors[0]?.message}`)
  if (!isMap(document.contents)) throw new Error('Cannot read the kubeconfig: it is not a map')
  return document
}

function currentContext(document: Document): string {
  const value = document.get('current-context')
  return typeof value === 'string' ? value : ''
}

function listOf(document: Document, key: string): YAMLSeq {
  const existing = document.get(key, true)
  if (isSeq(existing)) {
    if (existing.items.length === 0) existing.flow = true
    return existing
  }
  const created = document.createNode([])
  document.set(key, created)
  return created
}

function indexOfName(list: YAMLSeq, name: string): number {
  return list.items.findIndex((item) => isMap(item) && (item as YAMLMap).get('name') === name)
}

function names(document: Document, key: string): string[] {
  return listOf(document, key).items.flatMap((item) => (isMap(item) ? [String(item.get('name'))] : []))
}

function upsert(document: Document, key: string, name: string, value: object): void {
  const list = listOf(document, key)
  const index = indexOfName(list, name)
  const node = document.createNode(value)
  list.flow = false
  if (index < 0) list.add(node)
  else list.items[index] = node
}

function remove(document: Document, key: string, name: string): void {
  const list = listOf(document, key)
  const index = indexOfName(list, name)
  if (index >= 0) list.delete(index)
  if (list.items.length === 0) list.flow = true
}
