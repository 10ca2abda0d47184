/** The Kubernetes version whose API is spoken, as clients see it. */
export const kubernetesVersion = 'v1.36.0+frontdesk'
