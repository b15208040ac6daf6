"""The edge spool: records go to local disk first, and from there to the broker."""
