/**
 * Opens things inside network namespaces for callers that stay outside. A descriptor keeps the namespace in which it
 * was made, whichever thread uses it later, so only this broker (a Worker thread) ever enters a namespace. Root and
 * rootless run the same code. Namespaces are named by path (a bind-mounted namespace file).
 */
export interface NamespaceBroker {
  /** A netlink socket (12 = netfilter, 0 = route), CLOEXEC, non-blocking. */
  openNetlink(netns: string, protocol: number): Promise<number>
  /** A bound, not yet listening TCP socket: hand it to `net.Server.listen({fd})` (Node calls listen itself). */
  openTcpListener(netns: string, address: string, port: number): Promise<number>
  /** A bound UDP socket: for `dgram.Socket.bind({fd})` or recvmmsg. */
  openUdpSocket(netns: string, address: string, port: number): Promise<number>
  /** The same, of which there may be several (SO_REUSEPORT): the kernel spreads what comes among them. */
  openSharedUdpSocket(netns: string, address: string, port: number): Promise<number>
  /** Unconnected non-blocking TCP sockets; `connect(2)` may be called from any thread and stays in that namespace. */
  openTcpSockets(netns: string, family: 'IPv4' | 'IPv6', count: number): Promise<number[]>
}
