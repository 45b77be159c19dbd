"""Is the forecast odd? Asked before it is published, of its rows, its inputs and its likely error."""

from steadycast.checking.judging import Evidence, Judgement, Remark, judge

__all__ = ["Evidence", "Judgement", "Remark", "judge"]
