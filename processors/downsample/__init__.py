"""Makes clouds smaller: one centroid per voxel, or a fixed number of well-spread points."""
