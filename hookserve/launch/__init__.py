"""From the sources of settings to a running arbiter.

assembly, unhonoured
    plugins, settings and sources put together, once for a start and once for each reload
defaults, application
    the core's own answers to first-wins hooks; finding the application
start
    the steps from a configuration to the arbiter's loop, and to the exit code
daemon, pidfile, limits
    going to the background, the pidfile, the limit on open descriptors
"""
