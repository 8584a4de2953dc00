"""Plugins: found, loaded one by one, called, and chosen by name.

discovery, distributions
    what is installed, found without importing any of it
host, manager
    `PluginHost`: loads plugins, and records which one a failure belongs to, and its remedy;
    pluggy's manager, as it needs it
validation, records, remedies
    what is wrong with a plugin, and with what it returns; how to start without it
calling
    how hooks are called: collected, first wins, notified, frozen
selection, target
    a worker, protocol or logger by its name; the import of what a plugin names
"""
