"""The contracts: topics, schemas, typed records and the codec between them."""
