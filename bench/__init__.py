"""What a station costs: `python -m bench.run`."""
