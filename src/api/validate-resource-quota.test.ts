import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ResourceQuota } from './resource-quota.ts'
import { validateResourceQuota } from './validate-resource-quota.ts'

const quota = (spec: object) => ({ metadata: { name: 'q', namespace: 'default' }, spec }) as ResourceQuota
const selector = (...matchExpressions: object[]) => ({ scopeSelector: { matchExpressions } })
const path = 'spec.scopeSelector.matchExpressions'

const cases: { name: string; spec: object; findings: string[] }[] = [
  { name: 'nothing', spec: {}, findings: [] },
  {
    name: 'all sorts of names',
    spec: {
      hard: {
        'services.nodeports': '0',
        'count/deployments.apps': '5',
        'requests.example.com/gpu': '4',
        'gold.storageclass.storage.k8s.io/requests.storage': '5Gi',
        'requests.hugepages-2Mi': '1Gi',
        'limits.cpu': '1500m',
      },
    },
    findings: [],
  },
  {
    name: 'a name that nobody knows',
    spec: { hard: { deployments: '1' } },
    findings: ['spec.hard[deployments]: Invalid value: "deployments": must be a standard resource for quota'],
  },
  {
    name: 'less than nothing, and half of one',
    spec: { hard: { services: '-1', pods: '1500m' } },
    findings: [
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.hard[services]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  {
    name: 'scopes that do not go together',
    spec: { hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
    findings: ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
  },
  {
    name: 'a scope that nobody knows',
    spec: { scopes: ['Often'] },
    findings: ['spec.scopes: Invalid value: ["Often"]: unsupported scope'],
  },
  {
    name: 'Services with a scope of pods',
    spec: { hard: { services: '1', 'count/services': '1' }, scopes: ['NotTerminating'] },
    findings: ['spec.scopes: Invalid value: ["NotTerminating"]: unsupported scope applied to resource'],
  },
  {
    name: 'processor time of pods that ask for none',
    spec: { hard: { cpu: '1', pods: '2' }, scopes: ['BestEffort'] },
    findings: ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
  },
  {
    name: 'a good selector',
    spec: { hard: { pods: '1' }, ...selector({ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }) },
    findings: [],
  },
  {
    name: 'selectors with the wrong number of values, and without sense',
    spec: selector(
      { scopeName: 'PriorityClass', operator: 'NotIn' },
      { scopeName: 'PriorityClass', operator: 'Exists', values: ['x'] },
      { scopeName: 'PriorityClass', operator: 'Like' },
    ),
    findings: [
      `${path}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
      `${path}.values: Invalid value: ["x"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`,
      `${path}.operator: Invalid value: "Like": not a valid selector operator`,
    ],
  },
]

describe('a ResourceQuota with', () => {
  for (const { name, spec, findings } of cases) {
    test(name, () => {
      const found = validateResourceQuota(quota(spec), {})
      assert.deepEqual(
        found.map(({ field, message }) => `${field}: ${message}`),
        findings,
      )
    })
  }
})

test('scopes other than Exists are for priority classes', () => {
  const [finding] = validateResourceQuota(
    quota(selector({ scopeName: 'Terminating', operator: 'In', values: ['x'] })),
    {},
  )
  assert.match(finding!.message, /must be 'Exist' when scope is any of/)
})

test('scopes stay, in any order; limits may change', () => {
  const before = quota({ hard: { pods: '1' }, scopes: ['Terminating', 'BestEffort'] })
  const same = quota({ hard: { pods: '2' }, scopes: ['BestEffort', 'Terminating'] })
  assert.deepEqual(validateResourceQuota(same, { before }), [])
  const [finding] = validateResourceQuota(quota({ hard: { pods: '1' }, scopes: ['Terminating'] }), { before })
  assert.equal(finding?.message, 'Invalid value: ["Terminating"]: field is immutable')
})

test('a status is checked as a spec is', () => {
  const wrong = { ...quota({}), status: { hard: { pods: '1' }, used: { pods: '-1' } } }
  const findings = validateResourceQuota(wrong, { before: quota({}), subresource: 'status' })
  assert.deepEqual(
    findings.map(({ field }) => field),
    ['status.used[pods]'],
  )
})
