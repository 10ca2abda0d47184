/** Whether this process may listen on the ports that are kept for the privileged: found out by doing it. */
import { createServer } from 'node:net'

/** Somewhere on the loopback where hardly anybody listens. */
const probed = { host: '127.255.255.254', port: 1023 }

export function probeLowPorts(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    // in use means that it was allowed
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'))
    server.listen(probed, () => server.close(() => resolve(true)))
  })
}
