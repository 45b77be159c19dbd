"""Steadycast: a weekly forecast that stays trustworthy when its data sources do not."""

__version__ = "0.1.0"
