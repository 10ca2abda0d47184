/** What a ResourceQuota may limit, and by which scopes. */
import { qualifiedNameProblems } from './check-name.ts'
import { immutable, invalidFor, invalidValue, requiredValue } from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import { parseQuantity } from './quantity.ts'
import { type QuotaScope, quotaScopes } from './quota-scopes.ts'
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from './resource-quota.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export function validateResourceQuota(
  { metadata, spec, status }: ResourceQuota,
  { before, subresource }: ValidationContext<ResourceQuota>,
): Finding[] {
  const meta = validateObjectMeta(metadata, { namespaced: true, before: before?.metadata })
  if (subresource === 'status') {
    return [...meta, ...validateAmounts('status.hard', status?.hard), ...validateAmounts('status.used', status?.used)]
  }
  return [
    ...meta,
    ...validateAmounts('spec.hard', spec.hard),
    ...validateScopes(spec),
    ...validateScopeSelector(spec),
    ...(before ? immutable('spec.scopes', sorted(spec.scopes), sorted(before.spec.scopes)) : []),
  ]
}

const sorted = (scopes: readonly string[] = []): string[] => [...new Set(scopes)].toSorted()

const computeNames = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const counts = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
const storageNames = ['ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage', 'requests.storage']
const standardNames = new Set([...computeNames, ...counts, ...storageNames])

const isStandard = (name: string): boolean => standardNames.has(name) || /^(requests\.)?hugepages-/.test(name)

function validateAmounts(path: string, amounts: Readonly<Record<string, string>> = {}): Finding[] {
  return Object.keys(amounts)
    .toSorted()
    .flatMap((name) => validateAmount(`${path}[${name}]`, name, amounts[name]!))
}

function validateAmount(field: string, name: string, amount: string): Finding[] {
  const { nanos } = parseQuantity(amount)
  const isWhole = !counts.includes(name) || nanos % 1_000_000_000n === 0n
  return [
    ...invalidFor(field, name, qualifiedNameProblems(name)),
    ...(name.includes('/') || isStandard(name)
      ? []
      : [invalidValue(field, name, 'must be a standard resource for quota')]),
    ...(nanos < 0n ? [invalidValue(field, amount, 'must be greater than or equal to 0')] : []),
    ...(isWhole ? [] : [invalidValue(field, amount, 'must be an integer')]),
  ]
}

function validateScopes({ scopes = [], hard = {} }: ResourceQuotaSpec): Finding[] {
  const invalid = (detail: string) => invalidValue('spec.scopes', scopes, detail)
  return [
    ...scopes.flatMap((scope) => [
      ...(isScope(scope) ? [] : [invalid('unsupported scope')]),
      ...unfitNames(scope, hard).map(() => invalid('unsupported scope applied to resource')),
    ]),
    ...conflicts(scopes).map(() => invalid('conflicting scopes')),
  ]
}

function validateScopeSelector({ scopeSelector, scopes, hard = {} }: ResourceQuotaSpec): Finding[] {
  const path = 'spec.scopeSelector.matchExpressions'
  const all = scopeSelector?.matchExpressions ?? []
  return [
    ...all.flatMap((requirement) => [
      ...(isScope(requirement.scopeName)
        ? []
        : [invalidValue(`${path}.scopeName`, requirement.scopeName, 'unsupported scope')]),
      ...unfitNames(requirement.scopeName, hard).map(() =>
        invalidValue(path, scopeSelector, 'unsupported scope applied to resource'),
      ),
      ...validateOperator(path, requirement),
    ]),
    ...conflicts(all.map(({ scopeName }) => scopeName)).map(() => invalidValue(path, scopes, 'conflicting scopes')),
  ]
}

const isScope = (scope: string): scope is QuotaScope => (quotaScopes as readonly string[]).includes(scope)

/** Standard names that say nothing about pods with this scope. */
function unfitNames(scope: string, hard: Readonly<Record<string, string>>): string[] {
  if (!isScope(scope)) return []
  const fit = scope === 'BestEffort' ? ['pods'] : ['pods', ...computeNames]
  return Object.keys(hard).filter((name) => isStandard(name) && !fit.includes(name))
}

function conflicts(scopes: readonly string[]): QuotaScope[][] {
  const pairs: QuotaScope[][] = [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ]
  return pairs.filter((pair) => pair.every((scope) => scopes.includes(scope)))
}

const existsOnly =
  "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

function validateOperator(
  path: string,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): Finding[] {
  const findings =
    isScope(scopeName) && scopeName !== 'PriorityClass' && operator !== 'Exists'
      ? [invalidValue(`${path}.operator`, operator, existsOnly)]
      : []
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0) return findings
      return [
        ...findings,
        requiredValue(
          `${path}.values`,
          "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        ),
      ]
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) return findings
      return [
        ...findings,
        invalidValue(
          `${path}.values`,
          values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ),
      ]
    default:
      return [...findings, invalidValue(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}
