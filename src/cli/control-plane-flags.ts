/** What Node is told when it runs the control plane (docs/decisions/0012-young-generation.md). */
export const controlPlaneFlags: readonly string[] = ['--max-semi-space-size=4']
