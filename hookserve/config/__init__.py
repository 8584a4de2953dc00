"""Settings: declared as data, read from every source, resolved to one immutable configuration.

values, core, settings
    the kinds of values, the core's settings as data, and the table of all settings
sources
    files and the environment
arguments, parser
    the command line: split and read once; argparse for help and for errors
workers
    how many there are to be, where the machine decides
resolved
    `Config`: one value for each setting, and where it came from
"""
