"""Malformed inputs for every parser: what comes from outside is used, or refused by name, and nothing else happens."""
