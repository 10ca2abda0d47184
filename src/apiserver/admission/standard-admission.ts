/** What decides over writes, in order. */
import type { ObjectStore } from '../objects/open-object-store.ts'
import type { Admission } from '../write/write.ts'
import { admitNamespace, labelNamespace } from './admit-namespace.ts'
import { admitServiceAccount } from './admit-service-account.ts'
import { admitTolerations } from './admit-tolerations.ts'

export function standardAdmission(objects: () => ObjectStore): readonly Admission[] {
  return [admitNamespace(objects), labelNamespace, admitServiceAccount(objects), admitTolerations]
}
