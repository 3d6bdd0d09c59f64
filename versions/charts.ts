/** The Helm chart of Temporal's makers, for Kubernetes. It has no database of its own. */
export const temporalChart = { repository: "https://go.temporal.io/helm-charts", version: "1.6.0" } as const;
