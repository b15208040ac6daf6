"""How often the scorer is right: labelled faults over recordings, and what the verdict says of them."""
