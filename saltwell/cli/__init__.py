"""The command line: one entry, each part brings its commands."""
