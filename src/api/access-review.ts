import { LabelSelectorRequirement } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { array, boolean, field, map, object, pointer, string, type Static, wrappedArray } from './schema.ts'

export const FieldSelectorRequirement = object('io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement', {
  key: field(1, string(), { required: true }),
  operator: field(2, string(), { required: true }),
  values: field(3, array(string())),
})
export type FieldSelectorRequirement = Static<typeof FieldSelectorRequirement>

export const FieldSelectorAttributes = object('io.k8s.api.authorization.v1.FieldSelectorAttributes', {
  rawSelector: field(1, string()),
  requirements: field(2, array(FieldSelectorRequirement)),
})
export type FieldSelectorAttributes = Static<typeof FieldSelectorAttributes>

export const LabelSelectorAttributes = object('io.k8s.api.authorization.v1.LabelSelectorAttributes', {
  rawSelector: field(1, string()),
  requirements: field(2, array(LabelSelectorRequirement)),
})
export type LabelSelectorAttributes = Static<typeof LabelSelectorAttributes>

export const ResourceAttributes = object('io.k8s.api.authorization.v1.ResourceAttributes', {
  namespace: field(1, string()),
  verb: field(2, string()),
  group: field(3, string()),
  version: field(4, string()),
  resource: field(5, string()),
  subresource: field(6, string()),
  name: field(7, string()),
  fieldSelector: pointer(8, FieldSelectorAttributes),
  labelSelector: pointer(9, LabelSelectorAttributes),
})
export type ResourceAttributes = Static<typeof ResourceAttributes>

export const NonResourceAttributes = object('io.k8s.api.authorization.v1.NonResourceAttributes', {
  path: field(1, string()),
  verb: field(2, string()),
})
export type NonResourceAttributes = Static<typeof NonResourceAttributes>

export const SubjectAccessReviewStatus = object('io.k8s.api.authorization.v1.SubjectAccessReviewStatus', {
  allowed: field(1, boolean(), { required: true }),
  denied: field(4, boolean()),
  reason: field(2, string()),
  evaluationError: field(3, string()),
})
export type SubjectAccessReviewStatus = Static<typeof SubjectAccessReviewStatus>

export const SelfSubjectAccessReviewSpec = object('io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec', {
  resourceAttributes: pointer(1, ResourceAttributes),
  nonResourceAttributes: pointer(2, NonResourceAttributes),
})
export type SelfSubjectAccessReviewSpec = Static<typeof SelfSubjectAccessReviewSpec>

export const SubjectAccessReviewSpec = object('io.k8s.api.authorization.v1.SubjectAccessReviewSpec', {
  resourceAttributes: pointer(1, ResourceAttributes),
  nonResourceAttributes: pointer(2, NonResourceAttributes),
  user: field(3, string()),
  groups: field(4, array(string())),
  extra: field(5, map(wrappedArray(string()))),
  uid: field(6, string()),
})
export type SubjectAccessReviewSpec = Static<typeof SubjectAccessReviewSpec>

export const SelfSubjectRulesReviewSpec = object('io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec', {
  namespace: field(1, string()),
})
export type SelfSubjectRulesReviewSpec = Static<typeof SelfSubjectRulesReviewSpec>

export const ResourceRule = object('io.k8s.api.authorization.v1.ResourceRule', {
  verbs: field(1, array(string()), { required: true }),
  apiGroups: field(2, array(string())),
  resources: field(3, array(string())),
  resourceNames: field(4, array(string())),
})
export type ResourceRule = Static<typeof ResourceRule>

export const NonResourceRule = object('io.k8s.api.authorization.v1.NonResourceRule', {
  verbs: field(1, array(string()), { required: true }),
  nonResourceURLs: field(2, array(string())),
})
export type NonResourceRule = Static<typeof NonResourceRule>

export const SubjectRulesReviewStatus = object('io.k8s.api.authorization.v1.SubjectRulesReviewStatus', {
  resourceRules: field(1, array(ResourceRule), { required: true }),
  nonResourceRules: field(2, array(NonResourceRule), { required: true }),
  incomplete: field(3, boolean(), { required: true }),
  evaluationError: field(4, string()),
})
export type SubjectRulesReviewStatus = Static<typeof SubjectRulesReviewStatus>

export const SelfSubjectAccessReview = kindSchema('io.k8s.api.authorization.v1.SelfSubjectAccessReview', {
  spec: field(2, SelfSubjectAccessReviewSpec, { required: true, default: {} }),
  status: field(3, SubjectAccessReviewStatus),
})
export type SelfSubjectAccessReview = Static<typeof SelfSubjectAccessReview>

export const SubjectAccessReview = kindSchema('io.k8s.api.authorization.v1.SubjectAccessReview', {
  spec: field(2, SubjectAccessReviewSpec, { required: true, default: {} }),
  status: field(3, SubjectAccessReviewStatus),
})
export type SubjectAccessReview = Static<typeof SubjectAccessReview>

export const LocalSubjectAccessReview = kindSchema('io.k8s.api.authorization.v1.LocalSubjectAccessReview', {
  spec: field(2, SubjectAccessReviewSpec, { required: true, default: {} }),
  status: field(3, SubjectAccessReviewStatus),
})
export type LocalSubjectAccessReview = Static<typeof LocalSubjectAccessReview>

export const SelfSubjectRulesReview = kindSchema('io.k8s.api.authorization.v1.SelfSubjectRulesReview', {
  spec: field(2, SelfSubjectRulesReviewSpec, { required: true, default: {} }),
  status: field(3, SubjectRulesReviewStatus),
})
export type SelfSubjectRulesReview = Static<typeof SelfSubjectRulesReview>
