"""Whether an episode is good, with reasons, against versioned criteria."""
