"""Datasets: what publishing costs as they grow, and training files beside LeRobot's own writer."""
