"""The status page in a real browser, idle, busy and at fault: ``make screenshots``."""
