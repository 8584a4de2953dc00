"""From the sources of settings to a running arbiter.

assembly, on_demand, foreign, unknown, unhonoured
    plugins, settings and sources put together, for a start and for each reload; plugins that are
    loaded when one of their settings is used; what is written for another server; names that are
    not settings; settings without effect
names
    names that cannot be given to another plugin
search_path
    the directories that the server itself puts in front of ``sys.path``
defaults, application
    the core's own implementations of first-wins hooks; finding the application
embedded
    what a program gives instead of a command line
start
    the steps from a configuration to the arbiter's loop, and to the exit code
daemon, pidfile, limits
    going to the background, the pidfile, the limit on open descriptors
"""
