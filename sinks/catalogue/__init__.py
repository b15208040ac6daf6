"""A table of all episodes, for lists and filters: a Delta Lake table beside them, made again from the markers."""
