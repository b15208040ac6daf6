"""How Saltwell is deployed: images, chart, dashboards, and what of them is made from the contracts."""
