"""What the edge spool costs, against publishing without one and against other logs."""
