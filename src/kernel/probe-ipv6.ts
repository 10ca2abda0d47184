/** Whether this kernel speaks IPv6. Clusters are in namespaces of their own: the host's addresses do not matter. */
import { existsSync } from 'node:fs'

export const hasIpv6 = (): boolean => existsSync('/proc/net/if_inet6')
