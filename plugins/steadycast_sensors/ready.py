"""SourceReadySensor: a task that begins when its source shows the newest date that it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory
from steadycast_runtime import this_week

if TYPE_CHECKING:
    from airflow.sdk import Context


class SourceReadySensor(DecoratedOperator, PythonOperator):
    """Looks at the source; waits in the triggerer, without a worker, while it is not ready; then runs.

    Each look is a short try of the task itself, so that credentials and answers stay in the workers.
    """

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    custom_operator_name = "@when_ready"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any],
        op_kwargs: dict[str, Any],
        **arguments: Any,  # noqa: ANN401 whatever an operator takes
    ) -> None:
        call = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(kwargs_to_upstream=call, **call, **arguments)

    def execute(self, context: Context) -> Any:  # noqa: ANN401 whatever the task returns
        """Run the task if its source is ready or waiting is over, else look again later."""
        return self._run_or_wait(context, waited=False)

    def look_again(self, context: Context, event: object = None) -> Any:  # noqa: ANN401
        """Where the triggerer lets the task go on."""
        return self._run_or_wait(context, waited=True)

    def _run_or_wait(self, context: Context, *, waited: bool) -> Any:  # noqa: ANN401
        with this_week() as week:
            again = week.wait_for(self.op_kwargs["source"], waited=waited)
        if again is not None:
            self.defer(trigger=DateTimeTrigger(moment=again), method_name="look_again")
        return super().execute(context)


def when_ready(function: Callable[..., Any] | None = None, **arguments: object) -> TaskDecorator:
    """Make a task of a function of one ``source``, as ``@task`` does and with its arguments."""
    return task_decorator_factory(
        python_callable=function, decorated_operator_class=SourceReadySensor, **arguments
    )
