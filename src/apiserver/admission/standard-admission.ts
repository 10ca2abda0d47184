/** What decides over writes, in order. */
import type { AdmissionPlugin } from '#api/admission-plugin.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'
import type { Admission } from '../write/write.ts'
import { admitNamespace, labelNamespace } from './admit-namespace.ts'
import { admitServiceAccount } from './admit-service-account.ts'
import { admitTolerations } from './admit-tolerations.ts'
import { denyExternalIps } from './deny-external-ips.ts'

/** Those that a cluster may have besides. */
const plugins = { DenyServiceExternalIPs: denyExternalIps } as const satisfies Record<AdmissionPlugin, Admission>

export function standardAdmission(
  objects: () => ObjectStore,
  chosen: readonly AdmissionPlugin[] = [],
): readonly Admission[] {
  const standard = [admitNamespace(objects), labelNamespace, admitServiceAccount(objects), admitTolerations]
  return [...standard, ...chosen.map((name) => plugins[name])]
}
