"""One loop runs every processor and sink; the log is their only state."""
