"""Breaks a server on purpose while it serves, and counts what its clients lose."""
