/** Decides by the rules of a policy table. */
import type { UserInfo } from '#api/wire.ts'
import type { AccessAttributes, Authorize } from '../authorize-request.ts'
import type { Grant, PathRule, ResourceRule, Rule } from './policy.ts'

export function createAuthorizer(policy: readonly Grant[]): Authorize {
  return (attributes) => ({
    allowed: policy.some((grant) => isFor(grant, attributes.user) && grant.rules.some(allows(grant, attributes))),
  })
}

/** What a user may do in a namespace, for SelfSubjectRulesReview. */
export function rulesOf(policy: readonly Grant[], user: UserInfo, namespace: string): readonly Rule[] {
  return policy
    .filter((grant) => isFor(grant, user) && (grant.namespace === undefined || grant.namespace === namespace))
    .flatMap((grant) => grant.rules)
}

export const isPathRule = (rule: Rule): rule is PathRule => 'nonResourceURLs' in rule

function isFor(grant: Grant, user: UserInfo): boolean {
  return (
    (grant.users?.includes(user.name) ?? false) || (grant.groups?.some((group) => user.groups.includes(group)) ?? false)
  )
}

function allows(grant: Grant, attributes: AccessAttributes): (rule: Rule) => boolean {
  return (rule) => {
    if (attributes.type === 'path') return isPathRule(rule) && allowsPath(rule, attributes)
    const isHere = grant.namespace === undefined || grant.namespace === attributes.namespace
    return !isPathRule(rule) && isHere && allowsResource(rule, attributes)
  }
}

function allowsPath(rule: PathRule, { verb, path }: Extract<AccessAttributes, { type: 'path' }>): boolean {
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
  // A HEAD learns less than a GET.
  return has(rule.verbs, verb === 'head' ? 'get' : verb) && rule.nonResourceURLs.some(matches)
}

function allowsResource(rule: ResourceRule, asked: Extract<AccessAttributes, { type: 'resource' }>): boolean {
  const resource = asked.subresource ? `${asked.resource}/${asked.subresource}` : asked.resource
  return (
    has(rule.verbs, asked.verb) &&
    has(rule.apiGroups, asked.group) &&
    (has(rule.resources, resource) ||
      (asked.subresource !== undefined && rule.resources.includes(`*/${asked.subresource}`))) &&
    (rule.resourceNames === undefined || rule.resourceNames.includes(asked.name ?? ''))
  )
}

const has = (values: readonly string[], value: string): boolean => values.includes('*') || values.includes(value)
