"""Kubernetes' manifests of the guide, compared with its own schemas (kubernetes-validate)."""

from tests.roll.hosts import FILES


def validate():
    """A line that says what was compared.  Raises `kubernetes_validate.ValidationError`."""
    import kubernetes_validate
    import yaml

    version = kubernetes_validate.latest_version()
    objects = list(yaml.safe_load_all((FILES / "kubernetes.yaml").read_text()))
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)
    kinds = ", ".join(each["kind"] for each in objects)
    return f"kubernetes.yaml has what the schemas of Kubernetes {version} ask for: {kinds}"
