"""Celery workers: which of them answer a ping over the broker. Needs Celery, not Airflow."""

from __future__ import annotations

from celery import Celery
from kombu.exceptions import OperationalError

ANSWER_S = 5.0
"""A worker answers within milliseconds; a stopped or overwhelmed one not at all."""


class BrokerSilent(Exception):
    """The broker does not answer; the text says how."""


class Workers:
    """Asks the workers of one broker.

    Args:
        broker: its address, as Airflow's ``[celery] broker_url``; a secret.
        expected: so many answers end the wait.
    """

    def __init__(self, broker: str, expected: int, answer_s: float = ANSWER_S) -> None:
        self._expected, self._answer_s = expected, answer_s
        self._app = Celery("watchdog", broker=broker, set_as_current=False)
        self._app.conf.broker_transport_options = {
            "max_retries": 1, "socket_timeout": answer_s, "socket_connect_timeout": answer_s,
        }  # fmt: skip

    def answering(self) -> tuple[str, ...]:
        """Names of the workers that answer, sorted.

        Raises:
            BrokerSilent: it can not be known.
        """
        try:
            # a connection of its own for each look: one from a pool may be to a broker that is gone
            with self._app.connection_for_write(connect_timeout=self._answer_s) as connection:
                connection.ensure_connection(max_retries=1, timeout=self._answer_s)
                answers = self._app.control.ping(
                    timeout=self._answer_s, limit=self._expected or None, connection=connection
                )
        except (OperationalError, OSError) as error:
            # the text of the error may hold the address with its password
            raise BrokerSilent(type(error).__name__) from error
        return tuple(sorted(name for answer in answers for name in answer))
