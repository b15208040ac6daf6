"""Everything on one machine: an embedded Kafka, the workers, the demo."""
