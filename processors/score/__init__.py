"""Reads every frame once and leaves a few numbers that say how good it is."""
