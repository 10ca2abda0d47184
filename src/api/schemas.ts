/** The schema behind an apiVersion and kind, including bodies of requests that are stored nowhere. */
import {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from './access-review.ts'
import { Binding } from './binding.ts'
import { Eviction } from './eviction.ts'
import { DeleteOptions } from './meta-schema.ts'
import { findKind } from './registry.ts'
import { Scale } from './scale.ts'
import type { ObjectSchema } from './schema.ts'
import { SelfSubjectReview, TokenRequest, TokenReview } from './token-request.ts'

const requestSchemas: Readonly<Record<string, ObjectSchema>> = {
  'autoscaling/v1/Scale': Scale,
  'policy/v1/Eviction': Eviction,
  'policy/v1beta1/Eviction': Eviction,
  'v1/Binding': Binding,
  'authentication.k8s.io/v1/TokenRequest': TokenRequest,
  'authentication.k8s.io/v1/TokenReview': TokenReview,
  'authentication.k8s.io/v1/SelfSubjectReview': SelfSubjectReview,
  'authorization.k8s.io/v1/SelfSubjectAccessReview': SelfSubjectAccessReview,
  'authorization.k8s.io/v1/SelfSubjectRulesReview': SelfSubjectRulesReview,
  'authorization.k8s.io/v1/SubjectAccessReview': SubjectAccessReview,
  'authorization.k8s.io/v1/LocalSubjectAccessReview': LocalSubjectAccessReview,
}

/** DeleteOptions come under the apiVersion of any group. */
export function findSchema(apiVersion: string, kind: string): ObjectSchema | undefined {
  if (kind === 'DeleteOptions') return DeleteOptions
  return findKind(apiVersion, kind)?.schema ?? requestSchemas[`${apiVersion}/${kind}`]
}
