"""What runs on the edge box: sources of samples and the publisher that names and sends them."""
