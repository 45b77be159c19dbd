"""``@gate``: a ``@task`` whose page in the UI has a button to the Data Docs that it wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance


class DataDocsLink(BaseOperatorLink):
    """The button; its address is made when the task ends, whether or not the gate was passed."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Data Docs"

    def get_link(self, operator: BaseOperator, *, ti_key: RuntimeTaskInstance) -> str:  # type: ignore[override]
        """Address of the gate's pages; Airflow hands the running task instance in as ``ti_key``."""
        week = ti_key.get_template_context()["dag_run"].partition_key
        gate = getattr(operator, "op_kwargs", {}).get("source", operator.task_id)
        site = conf.get("api", "base_url", fallback="").rstrip("/")
        return f"{site}/steadycast/docs/{week}/{gate}/index.html"


class _GateOperator(DecoratedOperator, PythonOperator):
    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    operator_extra_links = (DataDocsLink(),)
    custom_operator_name = "@gate"

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


def gate(function: Callable[..., Any] | None = None, **arguments: object) -> TaskDecorator:
    """Make a task of a function, as ``@task`` does and with its arguments."""
    return task_decorator_factory(
        python_callable=function, decorated_operator_class=_GateOperator, **arguments
    )
