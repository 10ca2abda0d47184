import { kindSchema } from './meta-schema.ts'
import {
  array,
  boolean,
  field,
  int64,
  map,
  object,
  pointer,
  string,
  time,
  type Static,
  wrappedArray,
} from './schema.ts'

export const BoundObjectReference = object('io.k8s.api.authentication.v1.BoundObjectReference', {
  kind: field(1, string()),
  apiVersion: field(2, string()),
  name: field(3, string()),
  uid: field(4, string()),
})
export type BoundObjectReference = Static<typeof BoundObjectReference>

export const TokenRequestSpec = object('io.k8s.api.authentication.v1.TokenRequestSpec', {
  audiences: field(1, array(string())),
  expirationSeconds: pointer(4, int64()),
  boundObjectRef: pointer(3, BoundObjectReference),
})
export type TokenRequestSpec = Static<typeof TokenRequestSpec>

export const TokenRequestStatus = object('io.k8s.api.authentication.v1.TokenRequestStatus', {
  token: field(1, string(), { zero: 'keep' }),
  expirationTimestamp: field(2, time()),
})
export type TokenRequestStatus = Static<typeof TokenRequestStatus>

export const UserInfo = object('io.k8s.api.authentication.v1.UserInfo', {
  username: field(1, string()),
  uid: field(2, string()),
  groups: field(3, array(string())),
  extra: field(4, map(wrappedArray(string()))),
})
export type UserInfo = Static<typeof UserInfo>

export const TokenReviewSpec = object('io.k8s.api.authentication.v1.TokenReviewSpec', {
  token: field(1, string(), { required: true }),
  audiences: field(2, array(string())),
})
export type TokenReviewSpec = Static<typeof TokenReviewSpec>

export const TokenReviewStatus = object('io.k8s.api.authentication.v1.TokenReviewStatus', {
  authenticated: field(1, boolean()),
  user: field(2, UserInfo),
  audiences: field(4, array(string())),
  error: field(3, string()),
})
export type TokenReviewStatus = Static<typeof TokenReviewStatus>

export const SelfSubjectReviewStatus = object('io.k8s.api.authentication.v1.SelfSubjectReviewStatus', {
  userInfo: field(1, UserInfo),
})
export type SelfSubjectReviewStatus = Static<typeof SelfSubjectReviewStatus>

export const TokenRequest = kindSchema('io.k8s.api.authentication.v1.TokenRequest', {
  spec: field(2, TokenRequestSpec, { required: true, default: {} }),
  status: field(3, TokenRequestStatus),
})
export type TokenRequest = Static<typeof TokenRequest>

export const TokenReview = kindSchema('io.k8s.api.authentication.v1.TokenReview', {
  spec: field(2, TokenReviewSpec, { required: true, default: {} }),
  status: field(3, TokenReviewStatus),
})
export type TokenReview = Static<typeof TokenReview>

export const SelfSubjectReview = kindSchema('io.k8s.api.authentication.v1.SelfSubjectReview', {
  status: field(2, SelfSubjectReviewStatus),
})
export type SelfSubjectReview = Static<typeof SelfSubjectReview>
