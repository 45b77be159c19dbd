"""Faults of sources: what the pipeline catches of those put into real histories, and of the real ones."""
