"""What Saltwell costs, how often it is right, and what breaks it: `make bench`, `quality`, `faults`, `fuzz`."""
