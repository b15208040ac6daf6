"""Clouds of finished episodes as files that other tools open."""
