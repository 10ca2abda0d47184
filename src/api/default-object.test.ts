import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyDefaults } from './default-object.ts'
import type { Kind } from './kind.ts'
import type { KubeObject } from './meta.ts'
import { findKind } from './registry.ts'

interface Case {
  readonly name: string
  readonly kind: Kind
  readonly given: object
  readonly expected: object
}

const named = (apiVersion: string, kind: string): Kind => {
  const found = findKind(apiVersion, kind)
  assert.ok(found, kind)
  return found
}

const container = {
  name: 'c',
  image: 'nginx:1.27',
  imagePullPolicy: 'IfNotPresent',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
}
const podSpec = {
  containers: [container],
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  terminationGracePeriodSeconds: 30,
  schedulerName: 'default-scheduler',
  securityContext: {},
}
const given = { containers: [{ name: 'c', image: 'nginx:1.27' }] }
const template = { given: { template: { spec: given } }, expected: { template: { spec: podSpec } } }

const cases: readonly Case[] = [
  {
    name: 'a pod',
    kind: named('v1', 'Pod'),
    given: { spec: given },
    expected: { spec: { ...podSpec, enableServiceLinks: true } },
  },
  {
    name: 'limits are requested too, and host ports follow in the host network',
    kind: named('v1', 'Pod'),
    given: {
      spec: {
        hostNetwork: true,
        containers: [
          { name: 'c', image: 'nginx:1.27', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } },
        ],
      },
    },
    expected: {
      spec: {
        ...podSpec,
        hostNetwork: true,
        enableServiceLinks: true,
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
            resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
          },
        ],
      },
    },
  },
  {
    name: 'volumes and probes',
    kind: named('v1', 'Pod'),
    given: {
      spec: {
        serviceAccount: 'old',
        volumes: [{ name: 'e' }, { name: 'c', configMap: { name: 'x' } }],
        containers: [{ name: 'c', image: 'nginx:1.27', readinessProbe: { httpGet: { port: 80 } } }],
      },
    },
    expected: {
      spec: {
        ...podSpec,
        enableServiceLinks: true,
        serviceAccount: 'old',
        serviceAccountName: 'old',
        volumes: [
          { name: 'e', emptyDir: {} },
          { name: 'c', configMap: { name: 'x', defaultMode: 420 } },
        ],
        containers: [
          {
            ...container,
            readinessProbe: {
              httpGet: { path: '/', port: 80, scheme: 'HTTP' },
              timeoutSeconds: 1,
              periodSeconds: 10,
              successThreshold: 1,
              failureThreshold: 3,
            },
          },
        ],
      },
    },
  },
  {
    name: 'a Deployment',
    kind: named('apps/v1', 'Deployment'),
    given: { spec: template.given },
    expected: {
      spec: {
        ...template.expected,
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      },
    },
  },
  {
    name: 'no replicas are no replicas',
    kind: named('apps/v1', 'Deployment'),
    given: { spec: { ...template.given, replicas: 0, strategy: { type: 'Recreate' } } },
    expected: {
      spec: {
        ...template.expected,
        replicas: 0,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'Recreate' },
      },
    },
  },
  {
    name: 'a StatefulSet',
    kind: named('apps/v1', 'StatefulSet'),
    given: { spec: template.given },
    expected: {
      spec: {
        ...template.expected,
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: 'OrderedReady',
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      },
    },
  },
  {
    name: 'a DaemonSet',
    kind: named('apps/v1', 'DaemonSet'),
    given: { spec: template.given },
    expected: {
      spec: {
        ...template.expected,
        revisionHistoryLimit: 10,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      },
    },
  },
  {
    name: 'a Service',
    kind: named('v1', 'Service'),
    given: { spec: { selector: {}, ports: [{ port: 80 }] } },
    expected: {
      spec: {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      },
    },
  },
  {
    name: 'a load balancer with affinity',
    kind: named('v1', 'Service'),
    given: { spec: { type: 'LoadBalancer', sessionAffinity: 'ClientIP', ports: [{ port: 80, targetPort: 'http' }] } },
    expected: {
      spec: {
        type: 'LoadBalancer',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Cluster',
        allocateLoadBalancerNodePorts: true,
        ports: [{ port: 80, protocol: 'TCP', targetPort: 'http' }],
      },
    },
  },
  {
    name: 'an ExternalName',
    kind: named('v1', 'Service'),
    given: { spec: { type: 'ExternalName', externalName: 'a.b', internalTrafficPolicy: 'Cluster' } },
    expected: { spec: { type: 'ExternalName', externalName: 'a.b', sessionAffinity: 'None' } },
  },
  {
    name: 'an EndpointSlice port',
    kind: named('discovery.k8s.io/v1', 'EndpointSlice'),
    given: { addressType: 'IPv4', ports: [{ port: 80 }] },
    expected: { addressType: 'IPv4', ports: [{ name: '', port: 80, protocol: 'TCP' }] },
  },
  {
    name: 'what is required and plain is never absent',
    kind: named('v1', 'Service'),
    given: { spec: { type: 'ExternalName', ports: [{}] } },
    expected: {
      spec: { type: 'ExternalName', sessionAffinity: 'None', ports: [{ port: 0, protocol: 'TCP', targetPort: 0 }] },
    },
  },
  {
    name: 'the text of a Secret becomes data',
    kind: named('v1', 'Secret'),
    given: { data: { a: 'eA==' }, stringData: { a: 'y', b: 'z' } },
    expected: { data: { a: 'eQ==', b: 'eg==' }, type: 'Opaque' },
  },
]

const pullPolicies: readonly [image: string, policy: string][] = [
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['registry:5000/nginx', 'Always'],
  ['registry:5000/nginx:1', 'IfNotPresent'],
  ['nginx@sha256:00', 'IfNotPresent'],
]

const complete = (fields: object): KubeObject => ({
  apiVersion: '',
  kind: '',
  metadata: { name: '' },
  ...structuredClone(fields),
})

for (const { name, kind, given: fields, expected } of cases) {
  test(`defaults: ${name}`, () => {
    const object = complete(fields)
    applyDefaults(kind, object)
    assert.deepEqual(object, complete(expected))
    const again = structuredClone(object)
    applyDefaults(kind, again)
    assert.deepEqual(again, object, 'defaults are stable')
  })
}

for (const [image, policy] of pullPolicies) {
  test(`defaults: pull policy of ${image}`, () => {
    const pod = complete({ spec: { containers: [{ name: 'c', image }] } })
    applyDefaults(named('v1', 'Pod'), pod)
    const { spec } = pod as unknown as { spec: { containers: { imagePullPolicy: string }[] } }
    assert.equal(spec.containers[0]?.imagePullPolicy, policy)
  })
}
