import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFieldSelector } from './parse-field-selector.ts'
import {
  formatLabelSelector,
  matchLabels,
  matchLabelSelector,
  parseLabelSelector,
  SelectorSyntaxError,
} from './parse-selector.ts'
import { ConfigMap } from './config-map.ts'
import { Pod } from './pod.ts'

const labels = { app: 'web', tier: 'front', weight: '10', empty: '', in: 'x' }

const matching: readonly [selector: string, matches: boolean][] = [
  ['', true],
  ['app=web', true],
  ['app==web', true],
  ['app = web', true],
  ['app!=web', false],
  ['missing!=web', true],
  ['app in (db, web)', true],
  ['app in(db)', false],
  ['app notin (db)', true],
  ['missing notin (db)', true],
  ['app', true],
  ['!app', false],
  ['! missing', true],
  ['weight>9,weight<11', true],
  ['weight>10', false],
  ['app>1', false],
  ['app=web,tier=back', false],
  ['app=web,!missing,tier in (front)', true],
  ['empty=', true],
  ['empty in (,a)', true],
  ['in=x', true],
  ['example.com/role', false],
]
for (const [selector, matches] of matching) {
  test(`label selector ${JSON.stringify(selector)} ${matches ? 'matches' : 'does not match'}`, () => {
    assert.equal(parseLabelSelector(selector)(labels), matches)
  })
}

const refused: readonly [selector: string, message: string][] = [
  ['app in web', "unable to parse requirement: found 'web' expected: '('"],
  ['app in (web', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['app=web,', "found '', expected: identifier after ','"],
  ['=web', "found '=', expected: !, identifier, or 'end of string'"],
  ['app=web tier', "found 'tier', expected: ',' or 'end of string'"],
  [
    'app>x',
    `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
  ],
]
for (const [selector, message] of refused) {
  test(`label selector ${JSON.stringify(selector)} is refused`, () => {
    assert.throws(() => parseLabelSelector(selector), new SelectorSyntaxError(message))
  })
}

test('a value that no label can have is refused', () => {
  assert.throws(() => parseLabelSelector('app=-x'), /values\[0\]\[app\]: Invalid value: "-x": a valid label must be/)
})

test('an absent selector object selects nothing, an empty one everything', () => {
  assert.equal(matchLabelSelector(undefined)(labels), false)
  assert.equal(matchLabelSelector({})(labels), true)
})

test('a plain map selects by all its pairs, and nothing when it is empty', () => {
  assert.equal(matchLabels({ app: 'web', tier: 'front' })(labels), true)
  assert.equal(matchLabels({ app: 'web', tier: 'back' })(labels), false)
  assert.equal(matchLabels({})(labels), false)
})

test('a selector object as text is sorted by key and reads back', () => {
  const selector = {
    matchLabels: { b: '1' },
    matchExpressions: [
      { key: 'a', operator: 'In' as const, values: ['y', 'x'] },
      { key: 'c', operator: 'DoesNotExist' as const },
    ],
  }
  const text = formatLabelSelector(selector)
  assert.equal(text, 'a in (x,y),b=1,!c')
  assert.equal(parseLabelSelector(text)({ a: 'x', b: '1' }), true)
})

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'n' },
  spec: { containers: [], nodeName: 'node-1' },
  status: { phase: 'Running', reason: 'a,b' },
}

const fields: readonly [selector: string, matches: boolean][] = [
  ['', true],
  ['metadata.name=a', true],
  ['metadata.name=a,metadata.namespace==n', true],
  ['metadata.name!=a', false],
  ['spec.nodeName=node-1,status.phase!=Succeeded,status.phase!=Failed', true],
  ['status.podIP=', true],
  ['metadata.name=a\\,b', false],
]
for (const [selector, matches] of fields) {
  test(`field selector ${JSON.stringify(selector)} ${matches ? 'matches' : 'does not match'}`, () => {
    assert.equal(parseFieldSelector(Pod, selector)(pod), matches)
  })
}

test('a field that cannot be selected is named', () => {
  assert.throws(
    () => parseFieldSelector(Pod, 'spec.foo=1'),
    new SelectorSyntaxError('field label not supported: spec.foo'),
  )
  const message = '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"'
  assert.throws(() => parseFieldSelector(ConfigMap, 'spec.foo=1'), new SelectorSyntaxError(message))
  assert.throws(
    () => parseFieldSelector(Pod, 'nonsense'),
    new SelectorSyntaxError("invalid selector: 'nonsense'; can't understand 'nonsense'"),
  )
})
