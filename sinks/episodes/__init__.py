"""What writes finished episodes: archive, manifest, commit; and what reads them back."""
