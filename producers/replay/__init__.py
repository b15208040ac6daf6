"""Recordings played through the same publisher that live sensors use."""
