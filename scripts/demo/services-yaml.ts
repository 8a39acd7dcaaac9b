/** The Kubernetes YAML of a service as a team keeps it: a Deployment and a Service, with a comment to be kept. */
export const serviceYaml = (service: string, image: string): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${service}
spec:
  replicas: 2 # comments stay where they are
  selector:
    matchLabels: { app: ${service} }
  template:
    metadata:
      labels: { app: ${service} }
    spec:
      containers:
        - name: ${service}
          image: ${image}
          ports:
            - containerPort: 7420
---
apiVersion: v1
kind: Service
metadata:
  name: ${service}
spec:
  selector: { app: ${service} }
  ports:
    - port: 80
      targetPort: 7420
`;
