/** Registers the Node, keeps its Lease and its status fresh. */
import { readFileSync, statfsSync } from 'node:fs'
import os from 'node:os'
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { isAlreadyExists, isNotFound } from '#api/status-error.ts'
import type { Client } from '#client/contract.ts'
import { type NodeAddresses, podCidrs } from '#lib/address-plan.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { renderNodeLabels, renderNodeStatus, type MachineFacts } from './render-node.ts'

const leaseNamespace = 'kube-node-lease'
const leaseSeconds = 40
const heartbeatMs = 10_000
/** How often the status is written although nothing changed. */
const statusMs = 300_000

export interface RegistrationInput {
  readonly client: Client
  readonly nodeName: string
  readonly addresses: NodeAddresses
  /** Labels that the Node begins with; later ones are the user's own affair. */
  readonly labels?: Readonly<Record<string, string>>
  readonly facts: MachineFacts
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** Resolves when the Node is there and Ready; then goes on in the background until the signal. */
export async function runNodeRegistration(input: RegistrationInput, signal: AbortSignal): Promise<void> {
  await ensureNode(input)
  await writeStatus(input)
  await renewLease(input)
  let statusDueMs = input.clock.nowMs() + statusMs
  const timer = setInterval(() => {
    const work = async () => {
      await renewLease(input)
      if (input.clock.nowMs() < statusDueMs) return
      await ensureNode(input)
      await writeStatus(input)
      statusDueMs = input.clock.nowMs() + statusMs
    }
    work().catch((error: unknown) => {
      statusDueMs = 0
      if (!signal.aborted) input.log.warn({ node: input.nodeName, error: String(error) }, 'cannot report the node')
    })
  }, heartbeatMs)
  timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}

async function ensureNode({ client, nodeName, addresses, facts, labels }: RegistrationInput): Promise<void> {
  const metadata = { name: nodeName, labels: renderNodeLabels(nodeName, facts.architecture) }
  const spec = { podCIDR: addresses.podCidr, podCIDRs: [...podCidrs(addresses)] }
  try {
    await client.of(Node).create({ metadata: { ...metadata, labels: { ...metadata.labels, ...labels } }, spec })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    await client.of(Node).patch({ name: nodeName }, 'merge', { metadata: { labels: metadata.labels }, spec })
  }
}

async function writeStatus({ client, nodeName, addresses, facts, version, clock }: RegistrationInput): Promise<void> {
  const now = `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`
  const before = await client.of(Node).get({ name: nodeName })
  const status = renderNodeStatus(nodeName, addresses, facts, { version, before, now })
  await client.of(Node).patchStatus({ name: nodeName }, 'merge', { status })
}

async function renewLease({ client, nodeName, clock }: RegistrationInput): Promise<void> {
  const leases = client.of(Lease)
  const renewTime = new Date(clock.nowMs()).toISOString().replace('Z', '000Z')
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime }
  try {
    await leases.patch({ namespace: leaseNamespace, name: nodeName }, 'merge', { spec })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await leases.create({ metadata: { namespace: leaseNamespace, name: nodeName }, spec })
  }
}

export function readMachineFacts(stateDir: string): MachineFacts {
  const disk = statfsSync(stateDir)
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
  return {
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    architecture: architectures[process.arch] ?? process.arch,
    kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(readText('/etc/os-release'))?.[1] ?? 'Linux',
    machineId: readText('/etc/machine-id').trim(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
