"""What becomes of episodes with time: retention, erasure, and proof that a store is whole."""
