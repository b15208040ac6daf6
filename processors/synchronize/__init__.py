"""Which frames of an episode belong together, from the timeline alone."""
