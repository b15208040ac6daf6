"""Training files of accepted episodes, and datasets published from them."""
