import {
  array,
  embedded,
  field,
  int32,
  int64,
  intOrString,
  object,
  oneOf,
  pointer,
  string,
  type Static,
} from './schema.ts'

export const ExecAction = object('io.k8s.api.core.v1.ExecAction', {
  command: field(1, array(string())),
})
export type ExecAction = Static<typeof ExecAction>

export const HTTPHeader = object('io.k8s.api.core.v1.HTTPHeader', {
  name: field(1, string(), { required: true }),
  value: field(2, string(), { required: true }),
})
export type HTTPHeader = Static<typeof HTTPHeader>

export const HTTPGetAction = object('io.k8s.api.core.v1.HTTPGetAction', {
  path: field(1, string(), { default: '/' }),
  port: field(2, intOrString(), { required: true }),
  host: field(3, string()),
  scheme: field(4, oneOf('HTTP', 'HTTPS'), { default: 'HTTP' }),
  httpHeaders: field(5, array(HTTPHeader)),
})
export type HTTPGetAction = Static<typeof HTTPGetAction>

export const TCPSocketAction = object('io.k8s.api.core.v1.TCPSocketAction', {
  port: field(1, intOrString(), { required: true }),
  host: field(2, string()),
})
export type TCPSocketAction = Static<typeof TCPSocketAction>

export const SleepAction = object('io.k8s.api.core.v1.SleepAction', {
  seconds: field(1, int64(), { required: true }),
})
export type SleepAction = Static<typeof SleepAction>

export const GRPCAction = object('io.k8s.api.core.v1.GRPCAction', {
  port: field(1, int32(), { required: true }),
  service: pointer(2, string(), { default: '' }),
})
export type GRPCAction = Static<typeof GRPCAction>

export const ProbeHandler = object('io.k8s.api.core.v1.ProbeHandler', {
  exec: pointer(1, ExecAction),
  httpGet: pointer(2, HTTPGetAction),
  tcpSocket: pointer(3, TCPSocketAction),
  grpc: pointer(4, GRPCAction),
})
export type ProbeHandler = Static<typeof ProbeHandler>

export const Probe = object('io.k8s.api.core.v1.Probe', {
  ...embedded(1, ProbeHandler),
  initialDelaySeconds: field(2, int32()),
  timeoutSeconds: field(3, int32(), { default: 1 }),
  periodSeconds: field(4, int32(), { default: 10 }),
  successThreshold: field(5, int32(), { default: 1 }),
  failureThreshold: field(6, int32(), { default: 3 }),
  terminationGracePeriodSeconds: pointer(7, int64()),
})
export type Probe = Static<typeof Probe>

export const LifecycleHandler = object('io.k8s.api.core.v1.LifecycleHandler', {
  exec: pointer(1, ExecAction),
  httpGet: pointer(2, HTTPGetAction),
  tcpSocket: pointer(3, TCPSocketAction),
  sleep: pointer(4, SleepAction),
})
export type LifecycleHandler = Static<typeof LifecycleHandler>

export const Lifecycle = object('io.k8s.api.core.v1.Lifecycle', {
  postStart: pointer(1, LifecycleHandler),
  preStop: pointer(2, LifecycleHandler),
  stopSignal: pointer(3, string()),
})
export type Lifecycle = Static<typeof Lifecycle>
