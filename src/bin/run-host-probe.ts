/** Entry of `frontdesk doctor`'s trial, run in fresh namespaces: tries each thing a cluster needs, prints findings. */
import { probeHost } from '#kernel/probe-host.ts'

process.stdout.write(`${JSON.stringify(await probeHost())}\n`)
