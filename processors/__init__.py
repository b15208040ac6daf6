"""What runs at the centre and turns frames into alignment, samples, scores and verdicts."""
