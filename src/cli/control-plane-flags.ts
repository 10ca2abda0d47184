/** What Node is told when it runs the control plane (docs/decisions/0012 and 0013). */
export const controlPlaneFlags: readonly string[] = [
  '--max-semi-space-size=4',
  '--no-parallel-scavenge',
  '--no-flush-bytecode',
  '--invocation-count-for-turbofan=100000',
]
