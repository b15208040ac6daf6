"""A simulated station: a MuJoCo model that writes recordings in the form the real stations use."""
