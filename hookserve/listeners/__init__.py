"""Listening sockets, which the arbiter holds and workers inherit across the fork.

address
    what ``--bind`` says, parsed
tcp
    the addresses of a host name, the two families
unix
    the path of a unix socket, claimed
refusal
    an end that refuses new clients in all processes
advice
    what is said of an address that cannot be listened on
listener
    a socket: it accepts, refuses new clients, is closed
opening
    the sockets: opened, inherited, kept across reloads
plugin_listeners
    sockets of a plugin's own addresses, which no worker inherits
queues
    how many connections wait there, asked by any process
"""
