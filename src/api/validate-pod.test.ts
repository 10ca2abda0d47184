import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container } from './container.ts'
import { applyDefaults } from './default-object.ts'
import { Pod } from './pod.ts'
import type { PodSpec } from './pod-spec.ts'

interface Case {
  readonly name: string
  readonly spec?: Partial<PodSpec>
  /** Laid over the only container. */
  readonly container?: Partial<Container>
  readonly before?: Partial<PodSpec>
  readonly findings: readonly string[]
}

const gates = [{ name: 'a/b' }]

const cases: readonly Case[] = [
  { name: 'the smallest pod is fine', findings: [] },
  { name: 'a pod without containers', spec: { containers: [] }, findings: ['spec.containers: Required value'] },
  {
    name: 'a container without name and image',
    spec: { containers: [{ name: '' }] },
    findings: ['spec.containers[0].name: Required value', 'spec.containers[0].image: Required value'],
  },
  {
    name: 'two containers of one name, and an init container of it too',
    spec: { containers: [named('c'), named('c')], initContainers: [named('c')] },
    findings: ['spec.containers[1].name: Duplicate value: "c"', 'spec.initContainers[0].name: Duplicate value: "c"'],
  },
  {
    name: 'ports',
    container: { ports: [{ containerPort: 0 }, { containerPort: 70000 }, { name: 'Web', containerPort: 1 }] },
    findings: [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[2].name: Invalid value: "Web": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
  },
  {
    name: 'one host port twice',
    container: {
      ports: [
        { containerPort: 1, hostPort: 80 },
        { containerPort: 2, hostPort: 80 },
      ],
    },
    findings: ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"'],
  },
  {
    name: 'mounts of volumes that are not there, at one place twice',
    spec: { volumes: [{ name: 'v', emptyDir: {} }] },
    container: {
      volumeMounts: [
        { name: 'x', mountPath: '/a' },
        { name: 'v', mountPath: '/a', subPath: '../b' },
      ],
    },
    findings: [
      'spec.containers[0].volumeMounts[0].name: Not found: "x"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
      'spec.containers[0].volumeMounts[1].subPath: Invalid value: "../b": must not contain \'..\'',
    ],
  },
  {
    name: 'a volume of two kinds',
    spec: { volumes: [{ name: 'v', emptyDir: {}, configMap: { name: 'c' } }] },
    findings: ['spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type'],
  },
  {
    name: 'a probe without and with two ways',
    container: {
      readinessProbe: {},
      livenessProbe: { tcpSocket: { port: 1 }, exec: { command: ['a'] }, successThreshold: 2 },
    },
    findings: [
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe: Required value: must specify a handler type',
    ],
  },
  {
    name: 'probes of an init container that ends',
    spec: { initContainers: [{ ...named('i'), startupProbe: { tcpSocket: { port: 1 } } }] },
    findings: [
      'spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  },
  {
    name: 'more requested than allowed',
    container: { resources: { limits: { cpu: '500m' }, requests: { cpu: '1' } } },
    findings: [
      'spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m',
    ],
  },
  {
    name: 'policies that do not exist',
    spec: { restartPolicy: 'Sometimes' as 'Always', dnsPolicy: 'Mine' as 'Default' },
    findings: [
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
      'spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"',
    ],
  },
  {
    name: 'no DNS policy needs name servers',
    spec: { dnsPolicy: 'None', dnsConfig: {} },
    findings: [
      'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None',
    ],
  },
  {
    name: 'an environment variable from two places',
    container: {
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 's', key: 'k' } } },
      ],
    },
    findings: [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time',
    ],
  },
  {
    name: 'another image is all that an update may bring',
    before: { nodeName: 'n' },
    spec: { nodeName: 'n' },
    container: { image: 'other' },
    findings: [],
  },
  {
    name: 'another command is too much',
    before: {},
    container: { command: ['x'] },
    findings: [
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ],
  },
  {
    name: 'tolerations may be added, not removed',
    before: { tolerations: [{ key: 'a', operator: 'Exists' }] },
    spec: { tolerations: [{ key: 'b', operator: 'Exists' }] },
    findings: ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  },
  { name: 'scheduling gates may be opened', before: { schedulingGates: gates }, spec: {}, findings: [] },
]

function named(name: string): Container {
  return { name, image: 'nginx:1', imagePullPolicy: 'IfNotPresent' }
}

function podOf(spec: Partial<PodSpec>, container: Partial<Container> = {}): Pod {
  const containers = spec.containers ?? [{ ...named('c'), ...container }]
  const metadata = { name: 'p', namespace: 'default' }
  const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: structuredClone({ ...spec, containers }) }
  applyDefaults(Pod, pod)
  return pod
}

for (const { name, spec = {}, container, before, findings } of cases) {
  test(`Pod: ${name}`, () => {
    const found = Pod.validate(podOf(spec, container), before === undefined ? {} : { before: podOf(before) })
    assert.deepEqual(
      found.map(({ field, message }) => `${field}: ${message}`),
      findings,
    )
  })
}
