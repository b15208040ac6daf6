"""The fault harness: the real pipeline under a schedule of faults, and a checker of what went in and came out.

`make faults` runs it; `tests/faults` runs a fixed part of it.
"""
