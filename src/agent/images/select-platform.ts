/** Which image of an index runs on this machine. */
import type { Descriptor, Platform } from './parse-manifest.ts'

const architectures: Readonly<Record<string, Platform>> = {
  x64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  arm: { os: 'linux', architecture: 'arm', variant: 'v7' },
  ia32: { os: 'linux', architecture: '386' },
  ppc64: { os: 'linux', architecture: 'ppc64le' },
  s390x: { os: 'linux', architecture: 's390x' },
  riscv64: { os: 'linux', architecture: 'riscv64' },
}

/** `nodeArch` is `process.arch`. */
export function platformOf(nodeArch: string): Platform {
  return architectures[nodeArch] ?? { os: 'linux', architecture: nodeArch }
}

/** The same variant first, then one without a variant, then an older one that this machine can also run. */
export function selectPlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = manifests
    .map((descriptor) => ({ descriptor, rank: rankOf(descriptor.platform, wanted) }))
    .filter(({ rank }) => rank > 0)
    .toSorted((a, b) => b.rank - a.rank)
  if (fitting[0]) return fitting[0].descriptor
  const [only] = manifests
  return manifests.length === 1 && only?.platform === undefined ? only : undefined
}

function rankOf(platform: Platform | undefined, wanted: Platform): number {
  if (platform?.os !== wanted.os || platform.architecture !== wanted.architecture) return 0
  if (platform.variant === wanted.variant) return 100
  if (platform.variant === undefined) return 99
  return variantNumber(platform.variant) <= (wanted.variant ? variantNumber(wanted.variant) : 1)
    ? 1 + variantNumber(platform.variant)
    : 0
}

const variantNumber = (variant: string) => Number(variant.replace(/^v/, '')) || 0
