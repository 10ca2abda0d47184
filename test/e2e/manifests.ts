/** The manifests of the tutorial. */

export interface DeploymentOptions {
  readonly name: string
  readonly replicas?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly text?: string
}

/** hello-deploy.yaml, with the pod's name in the text unless another text is given. */
export function renderDeployment({
  name,
  replicas = 3,
  labels = { app: name },
  text = '$(POD_NAME)',
}: DeploymentOptions): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  selector:
    matchLabels: ${JSON.stringify(labels)}
  template:
    metadata:
      labels: ${JSON.stringify(labels)}
    spec:
      containers:
        - name: echo
          image: hashicorp/http-echo
          args: [${JSON.stringify(`-text=${text}`)}]
          env:
            - name: POD_NAME
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
          ports:
            - containerPort: 5678
          readinessProbe:
            httpGet: { path: /health, port: 5678 }
            periodSeconds: 1
`
}

export interface ServiceOptions {
  readonly name: string
  readonly selector?: Readonly<Record<string, string>>
  readonly type?: string
  readonly headless?: boolean
  /** Of IP families. */
  readonly policy?: string
  readonly families?: readonly string[]
}

export function renderService({
  name,
  selector = { app: name },
  type = 'ClusterIP',
  headless,
  policy,
  families,
}: ServiceOptions): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  type: ${type}
  ${headless ? 'clusterIP: None' : ''}
  ${policy ? `ipFamilyPolicy: ${policy}` : ''}
  ${families ? `ipFamilies: ${JSON.stringify(families)}` : ''}
  selector: ${JSON.stringify(selector)}
  ports:
    - port: 80
      targetPort: 5678
`
}

/** Pods that say their names on port 5678 of all their addresses. */
export function renderBothFamilies(name: string, replicas: number): string {
  const script = 'mkdir /www && hostname > /www/index.html && exec httpd -f -p 5678 -h /www'
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  selector:
    matchLabels: { app: ${name} }
  template:
    metadata:
      labels: { app: ${name} }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: busybox
          command: [sh, -c, ${JSON.stringify(script)}]
          env:
            - name: POD_IPS
              valueFrom: { fieldRef: { fieldPath: status.podIPs } }
          readinessProbe:
            httpGet: { path: /, port: 5678 }
            periodSeconds: 1
`
}

/** A pod that only waits, to run commands in. */
export function renderShell(name: string): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: shell
      image: busybox
      command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]
`
}

/** A pod that opens a new connection after another and prints each answer, or FAILED and why; it leaves room for others. */
export function renderLoad(name: string, url: string): string {
  const loop = `while :; do timeout 5 wget -qO- ${url} 2>&1 || echo FAILED; usleep 5000; done`
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: load
      image: busybox
      command: [sh, -c, ${JSON.stringify(loop)}]
`
}

export function renderStatefulSet(name: string, service: string): string {
  return `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: ${name}
spec:
  serviceName: ${service}
  replicas: 3
  selector:
    matchLabels: { app: ${name} }
  template:
    metadata:
      labels: { app: ${name} }
    spec:
      containers:
        - name: echo
          image: hashicorp/http-echo
          args: ["-text=$(POD_NAME)"]
          env:
            - name: POD_NAME
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
          ports:
            - containerPort: 5678
          readinessProbe:
            httpGet: { path: /health, port: 5678 }
            periodSeconds: 1
`
}
