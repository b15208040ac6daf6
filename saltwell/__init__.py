"""What every part of Saltwell shares: contracts, bus, metrics, command line."""
