/** Where a cluster's namespaces are kept, below its run directory (docs/architecture.md, State on disk). */
export interface ClusterPaths {
  readonly runDir: string
  readonly underlay: string
  node(number: number): string
  pod(uid: string): string
  uts(uid: string): string
  ipc(uid: string): string
  /** /dev/shm of a pod. */
  shm(uid: string): string
  /** In-memory volumes and writable layers of a pod. */
  memory(uid: string): string
}

export function clusterPaths(runDir: string): ClusterPaths {
  return {
    runDir,
    underlay: `${runDir}/net/underlay`,
    node: (number) => `${runDir}/net/node-${number}`,
    pod: (uid) => `${runDir}/net/pod-${uid}`,
    uts: (uid) => `${runDir}/net/uts-${uid}`,
    ipc: (uid) => `${runDir}/net/ipc-${uid}`,
    shm: (uid) => `${runDir}/shm/${uid}`,
    memory: (uid) => `${runDir}/memory/${uid}`,
  }
}
