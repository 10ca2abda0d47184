/** Rules for names and labels, as lists of problems in Kubernetes' words; empty means fine. */
const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

const dns1123Label = new RegExp(`^${label}$`)
const dns1123Subdomain = new RegExp(`^${label}(\\.${label})*$`)
const qualifiedName = new RegExp(`^${qualified}$`)
const labelValue = new RegExp(`^(${qualified})?$`)

export type NameRule = (name: string) => string[]

/** `a lowercase RFC 1123 label`: Services (since 1.36), namespaces, containers, volumes. */
export const dns1123LabelProblems: NameRule = (name) => [
  ...tooLong(name, 63),
  ...unless(
    dns1123Label.test(name),
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
      `with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`,
  ),
]

export const dns1123SubdomainProblems: NameRule = (name) => [
  ...tooLong(name, 253),
  ...unless(
    dns1123Subdomain.test(name),
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " +
      "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
      `'${label}(\\.${label})*')`,
  ),
]

/** A name that stands in a path: anything but `.`, `..`, `/` and `%`. */
export const pathSegmentProblems: NameRule = (name) =>
  name === '.' || name === '..'
    ? [`may not be '${name}'`]
    : ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`)

/** `name` or `prefix/name`, as label keys, annotation keys, finalizers and classes are written. */
export function qualifiedNameProblems(text: string): string[] {
  const parts = text.split('/')
  if (parts.length > 2) {
    return [
      `a qualified name ${qualifiedNameForm} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  }
  const [name = '', prefix] = parts.toReversed()
  return [...prefixProblems(prefix), ...qualifiedPartProblems(name)]
}

const qualifiedNameForm =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}')`

function prefixProblems(prefix: string | undefined): string[] {
  if (prefix === undefined) return []
  if (prefix === '') return ['prefix part must be non-empty']
  return dns1123SubdomainProblems(prefix).map((problem) => `prefix part ${problem}`)
}

function qualifiedPartProblems(name: string): string[] {
  return [
    ...(name === '' ? ['name part must be non-empty'] : tooLong(name, 63).map((problem) => `name part ${problem}`)),
    ...unless(qualifiedName.test(name), `name part ${qualifiedNameForm}`),
  ]
}

export const labelValueProblems: NameRule = (value) => [
  ...tooLong(value, 63),
  ...unless(
    labelValue.test(value),
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
      "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
      `'(${qualified})?')`,
  ),
]

/** Keys of ConfigMaps and Secrets. */
export const configKeyProblems: NameRule = (key) => [
  ...tooLong(key, 253),
  ...unless(
    /^[-._a-zA-Z0-9]+$/.test(key),
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  " +
      "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
  ),
  ...(key === '.' ? ["must not be '.'"] : key === '..' ? ["must not be '..'"] : []),
  ...(key !== '..' && key.startsWith('..') ? ["must not start with '..'"] : []),
]

/** Environment variable names: anything printable but `=` (relaxed rule, the default since 1.34). */
export const envVarNameProblems: NameRule = (name) =>
  unless(
    /^[ -<>-~]+$/.test(name),
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  )

/** IANA service names: named ports. */
export function portNameProblems(name: string): string[] {
  return [
    ...tooLong(name, 15),
    ...unless(/^[-a-z0-9]+$/.test(name), 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'),
    ...unless(/[a-z]/.test(name), 'must contain at least one letter (a-z)'),
    ...(name.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(name) ? ['must not begin or end with a hyphen'] : []),
  ]
}

export function portNumberProblems(port: number): string[] {
  return unless(Number.isInteger(port) && port >= 1 && port <= 65535, 'must be between 1 and 65535, inclusive')
}

function tooLong(text: string, limit: number): string[] {
  return text.length > limit ? [`must be no more than ${limit} bytes`] : []
}

function unless(holds: boolean, problem: string): string[] {
  return holds ? [] : [problem]
}
