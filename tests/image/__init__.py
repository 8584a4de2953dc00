"""`make image`: the guide's recipe, built and run by podman, while it is reloaded and stopped."""
