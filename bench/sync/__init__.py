"""Matching figures: the synchronizer against what others do, on one scenario."""
