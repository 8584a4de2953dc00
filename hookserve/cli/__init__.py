"""The ``hookserve`` command: ``main`` runs it, ``listings`` prints what it lists.

main
    listings, checks, commands of plugins, and serving
listings
    workers, plugins, hooks and the configuration, as text or JSON
"""
