"""`make cluster`: the guide's manifests in a cluster of Kubernetes, under load."""
