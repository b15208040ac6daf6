"""Each episode as a trace, for those who look at traces."""
