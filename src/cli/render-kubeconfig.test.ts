import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { contextName, type KubeconfigEntry } from './kubeconfig-entry.ts'
import { hasContext, renderAddedEntry, renderRemovedEntry } from './render-kubeconfig.ts'

const entry: KubeconfigEntry = {
  context: contextName('demo'),
  server: 'https://127.0.0.1:4000',
  caData: 'Y2E=',
  clientCertificateData: 'Y2VydA==',
  clientKeyData: 'a2V5',
}

const foreign = `# my clusters
apiVersion: v1
kind: Config
clusters:
  - name: prod # careful
    cluster: { server: https://prod.example }
contexts:
  - name: prod
    context: { cluster: prod, user: me }
users:
  - name: me
    user: { token: abc }
current-context: CURRENT
`

const switching = [
  { name: 'no config yet', text: '', switched: true, current: 'frontdesk-demo' },
  { name: 'no current context', text: foreign.replace('CURRENT', '""'), switched: true, current: 'frontdesk-demo' },
  {
    name: 'another local cluster is current',
    text: foreign.replace('CURRENT', 'kind-x'),
    switched: true,
    current: 'frontdesk-demo',
  },
  { name: 'a foreign context is current', text: foreign.replace('CURRENT', 'prod'), switched: false, current: 'prod' },
  {
    name: 'ours is current already',
    text: foreign.replace('CURRENT', 'frontdesk-demo'),
    switched: false,
    current: 'frontdesk-demo',
  },
]

for (const { name, text, switched, current } of switching) {
  test(`adding to a kubeconfig: ${name}`, () => {
    const change = renderAddedEntry(text, entry)
    const config = parse(change.text)
    assert.equal(change.switched, switched)
    assert.equal(config['current-context'], current)
    assert.deepEqual(config.clusters.find((cluster: { name: string }) => cluster.name === 'frontdesk-demo').cluster, {
      server: entry.server,
      'certificate-authority-data': entry.caData,
    })
    assert.ok(hasContext(change.text, 'frontdesk-demo'))
  })
}

test('a forced switch leaves a foreign context', () => {
  const change = renderAddedEntry(foreign.replace('CURRENT', 'prod'), entry, { switchContext: true })
  assert.equal(parse(change.text)['current-context'], 'frontdesk-demo')
  assert.equal(change.before, 'prod')
})

test('adding and removing leaves the rest as it was, comments too', () => {
  const before = foreign.replace('CURRENT', 'prod')
  const after = renderRemovedEntry(renderAddedEntry(before, entry).text, 'frontdesk-demo').text
  assert.deepEqual(parse(after), parse(before))
  assert.match(after, /# my clusters/)
  assert.match(after, /# careful/)
})

test('adding twice replaces the entry', () => {
  const twice = renderAddedEntry(renderAddedEntry('', entry).text, { ...entry, server: 'https://127.0.0.1:5000' }).text
  assert.equal(parse(twice).clusters.length, 1)
  assert.equal(parse(twice).clusters[0].cluster.server, 'https://127.0.0.1:5000')
})

test('removing the current context goes back to the former one', () => {
  const added = renderAddedEntry(foreign.replace('CURRENT', 'prod'), entry, { switchContext: true })
  assert.equal(parse(renderRemovedEntry(added.text, 'frontdesk-demo', 'prod').text)['current-context'], 'prod')
  assert.equal(parse(renderRemovedEntry(added.text, 'frontdesk-demo', 'gone').text)['current-context'], '')
})

test('a file that is no kubeconfig is refused, not overwritten', () => {
  assert.throws(() => renderAddedEntry('[1, 2', entry), /Cannot read the kubeconfig/)
  assert.throws(() => renderAddedEntry('- a', entry), /not a map/)
})
