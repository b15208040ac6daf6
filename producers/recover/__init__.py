"""Episodes that were ended in their robot's place, made whole from what came late."""
