"""Checks stamps against content: what moves together was captured together."""
