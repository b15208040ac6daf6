"""Verdicts as they are given, for the people on the floor."""
