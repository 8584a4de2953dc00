"""The ``hookserve`` command: ``main`` runs it.

main
    listings, checks and serving
commands
    the commands of plugins, with the configuration for those that ask
listings
    workers, plugins, hooks and the configuration, as text or JSON
"""
