"""A finished episode as one picture: what the cameras saw, how joints, skew and scores went, what the verdict says."""
