"""The ``hookserve`` command: ``main`` runs it, ``listings`` prints what it lists."""
