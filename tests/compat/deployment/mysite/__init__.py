"""A package as Django makes them."""
