/** Where a cluster keeps things on disk: see docs/architecture.md, "State on disk". */
export interface ClusterPaths {
  readonly dir: string
  readonly record: string
  readonly processes: string
  readonly lock: string
  readonly store: string
  readonly pki: string
  readonly kubeconfig: string
  readonly logs: string
  readonly run: string
  readonly pods: string
}

export interface Home {
  readonly dir: string
  readonly clusters: string
  readonly images: string
}

export function selectHome(env: Readonly<Record<string, string | undefined>>, homeDir: string): Home {
  const state = env['XDG_STATE_HOME'] || `${homeDir}/.local/state`
  const dir = env['FRONTDESK_HOME'] || `${state}/frontdesk`
  return { dir, clusters: `${dir}/clusters`, images: `${dir}/images` }
}

export function selectClusterPaths(home: Home, name: string): ClusterPaths {
  const dir = `${home.clusters}/${name}`
  return {
    dir,
    record: `${dir}/cluster.json`,
    processes: `${dir}/processes.json`,
    lock: `${home.clusters}/.${name}.lock`,
    store: `${dir}/state.sqlite`,
    pki: `${dir}/pki`,
    kubeconfig: `${dir}/kubeconfig.yaml`,
    logs: `${dir}/logs`,
    run: `${dir}/run`,
    pods: `${dir}/pods`,
  }
}
