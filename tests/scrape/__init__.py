"""Does a scrape of an application's own metrics stay as quick while workers are recycled?

Run it with ``make scrape``; ``ARGS="--minutes 2"`` makes it shorter.
"""
