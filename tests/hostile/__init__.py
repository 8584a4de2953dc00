"""Clients that mean harm, and what a client that means none notices of them."""
