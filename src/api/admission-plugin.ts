/** Admission plugins of Kubernetes that are off unless a cluster asks for them. */
export const admissionPlugins = ['DenyServiceExternalIPs'] as const
export type AdmissionPlugin = (typeof admissionPlugins)[number]
