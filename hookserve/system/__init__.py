"""Thin layers over the operating system, usable from every folder.

calls
    system calls as they are before any worker model patches them
exiting
    the end of a forked process
privileges, title
    user and group; process titles
"""
