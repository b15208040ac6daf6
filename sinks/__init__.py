"""What writes finished episodes to object storage."""
