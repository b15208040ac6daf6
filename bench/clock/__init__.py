"""Clock figures: the estimator on simulated clocks, against what others do."""
