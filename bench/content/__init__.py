"""The content check measured: how well content tells the offset between two streams, and what it costs."""
