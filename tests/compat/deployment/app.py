"""A module with an application, and a factory of one."""

from application import make

app = application = make("app")


def create_app(mode="default"):
    """As Flask's application factories."""
    return make(f"created {mode}")
