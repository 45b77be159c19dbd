"""What readers get when a week's run has not published by its deadline."""

from steadycast.fallback.publishing import run

__all__ = ["run"]
