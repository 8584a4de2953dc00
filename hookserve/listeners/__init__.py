"""Listening sockets, which the arbiter holds and workers inherit across the fork.

address
    what ``--bind`` says, parsed
listeners
    the sockets: opened, inherited, kept across reloads, closed
"""
