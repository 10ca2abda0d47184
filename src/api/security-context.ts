import { array, boolean, field, int64, object, oneOf, pointer, string, type Static } from './schema.ts'

export const SELinuxOptions = object('io.k8s.api.core.v1.SELinuxOptions', {
  user: field(1, string()),
  role: field(2, string()),
  type: field(3, string()),
  level: field(4, string()),
})
export type SELinuxOptions = Static<typeof SELinuxOptions>

export const WindowsSecurityContextOptions = object('io.k8s.api.core.v1.WindowsSecurityContextOptions', {
  gmsaCredentialSpecName: pointer(1, string()),
  gmsaCredentialSpec: pointer(2, string()),
  runAsUserName: pointer(3, string()),
  hostProcess: pointer(4, boolean()),
})
export type WindowsSecurityContextOptions = Static<typeof WindowsSecurityContextOptions>

export const SeccompProfile = object('io.k8s.api.core.v1.SeccompProfile', {
  type: field(1, oneOf('Localhost', 'RuntimeDefault', 'Unconfined'), { required: true }),
  localhostProfile: pointer(2, string()),
})
export type SeccompProfile = Static<typeof SeccompProfile>

export const AppArmorProfile = object('io.k8s.api.core.v1.AppArmorProfile', {
  type: field(1, oneOf('Localhost', 'RuntimeDefault', 'Unconfined'), { required: true }),
  localhostProfile: pointer(2, string()),
})
export type AppArmorProfile = Static<typeof AppArmorProfile>

export const Capabilities = object('io.k8s.api.core.v1.Capabilities', {
  add: field(1, array(string())),
  drop: field(2, array(string())),
})
export type Capabilities = Static<typeof Capabilities>

export const SecurityContext = object('io.k8s.api.core.v1.SecurityContext', {
  capabilities: pointer(1, Capabilities),
  privileged: pointer(2, boolean()),
  seLinuxOptions: pointer(3, SELinuxOptions),
  windowsOptions: pointer(10, WindowsSecurityContextOptions),
  runAsUser: pointer(4, int64()),
  runAsGroup: pointer(8, int64()),
  runAsNonRoot: pointer(5, boolean()),
  readOnlyRootFilesystem: pointer(6, boolean()),
  allowPrivilegeEscalation: pointer(7, boolean()),
  procMount: pointer(9, string()),
  seccompProfile: pointer(11, SeccompProfile),
  appArmorProfile: pointer(12, AppArmorProfile),
})
export type SecurityContext = Static<typeof SecurityContext>

export const Sysctl = object('io.k8s.api.core.v1.Sysctl', {
  name: field(1, string(), { required: true }),
  value: field(2, string(), { required: true }),
})
export type Sysctl = Static<typeof Sysctl>

export const PodSecurityContext = object('io.k8s.api.core.v1.PodSecurityContext', {
  seLinuxOptions: pointer(1, SELinuxOptions),
  windowsOptions: pointer(8, WindowsSecurityContextOptions),
  runAsUser: pointer(2, int64()),
  runAsGroup: pointer(6, int64()),
  runAsNonRoot: pointer(3, boolean()),
  supplementalGroups: field(4, array(int64())),
  supplementalGroupsPolicy: pointer(12, string()),
  fsGroup: pointer(5, int64()),
  sysctls: field(7, array(Sysctl)),
  fsGroupChangePolicy: pointer(9, string()),
  seccompProfile: pointer(10, SeccompProfile),
  appArmorProfile: pointer(11, AppArmorProfile),
  seLinuxChangePolicy: pointer(13, string()),
})
export type PodSecurityContext = Static<typeof PodSecurityContext>
