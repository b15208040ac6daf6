"""What a day gave: records, good hours, why others were rejected, and what an accepted hour cost."""
