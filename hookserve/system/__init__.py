"""Thin wrappers of the operating system, usable from every folder.

calls
    system calls as they are before any worker model patches them
unpatching
    the standard library as it was before, in a process that serves no requests
processes, exiting
    fork, wait and kill as an object; the end of a forked process
streams, locks, folders
    the standard streams; a lock on a directory; files that root opens
sockdiag, tcpinfo
    what the kernel knows of TCP sockets; of one connection
cgroup
    the limits of the process's control groups
privileges, title
    user and group; process titles
"""
