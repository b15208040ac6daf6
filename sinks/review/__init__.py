"""People look at episodes and say what they are worth: `saltwell review`."""
