"""Settings: declared as data, read from every source, resolved to one immutable configuration.

settings, values
    the table of settings, and the kinds of values
sources
    files and the environment
arguments, parser
    the command line: read quickly, or by argparse for help and for errors
resolved
    `Config`: one value for each setting, and where it came from
"""
