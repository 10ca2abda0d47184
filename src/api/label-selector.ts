import { array, field, map, object, oneOf, string, type Static } from './schema.ts'

export const LabelSelectorRequirement = object('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement', {
  key: field(1, string(), { required: true }),
  operator: field(2, oneOf('DoesNotExist', 'Exists', 'In', 'NotIn'), { required: true }),
  values: field(3, array(string())),
})
export type LabelSelectorRequirement = Static<typeof LabelSelectorRequirement>

export const LabelSelector = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  {
    matchLabels: field(1, map(string())),
    matchExpressions: field(2, array(LabelSelectorRequirement)),
  },
  { mapType: 'atomic' },
)
export type LabelSelector = Static<typeof LabelSelector>
