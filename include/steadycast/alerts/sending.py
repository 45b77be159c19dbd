"""Sends from a process of its own, one for each channel, which is killed when an attempt takes too long.

A time limit of a client bounds each of its steps and not their sum: the look-up of a name, or an answer that
comes a byte at a time, goes on for ever. A process that is killed sends nothing later either, as a thread
that was given up might.

``python -m steadycast.alerts.sending FD PARENT`` is the child's side.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any, Final, Literal

from steadycast.alerts.answer import Answer
from steadycast.alerts.credentials import Credential
from steadycast.alerts.wording import Rendered, plain

if TYPE_CHECKING:
    from steadycast.settings.alerts import ChannelKind

START_S: Final = 60.0
"""Until a new process has loaded its libraries; no part of an attempt's time."""
What = Literal["send", "find", "reactions", "inbox"]
_PARENT_S: Final = 1.0
_SENDERS: Final = {
    "slack": ("slack", "send"), "mail": ("mail", "send"), "sns": ("aws", "send_sns"),
    "ses": ("aws", "send_ses"), "webhook": ("webhook", "send"),
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What a child is to do.

    Attributes:
        what: ``send`` a message, ``find`` out whether one arrived, list the ``reactions`` to one, or look
            for a code in an ``inbox``.
        kind: Of the channel.
        to: Recipient.
        credential: Of the channel.
        timeout_s: Of each step.
        message: What to send.
        about: For ``find``: id and since; for ``reactions``: channel and ts; for ``inbox``: url and code.
    """

    what: What
    kind: ChannelKind
    to: str
    credential: Credential
    timeout_s: float
    message: Rendered | None = None
    about: Mapping[str, Any] | None = None


class Sender:
    """One channel's child process; started at the first job, and anew after it was killed.

    Args:
        kind: of the channel.
    """

    def __init__(self, kind: ChannelKind) -> None:
        self._kind = kind
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Any, Any] | None = None

    def warm(self) -> None:
        """Start the child, so that the first message has not to wait for it."""
        with contextlib.suppress(OSError, EOFError):
            self._ready()

    def do(self, job: Job, deadline_s: float) -> Answer:
        """Do it within the time, all its steps together; else the child is killed and the answer is unclear.

        A message that was posted counts as delivered even if its picture hangs afterwards.
        """
        # a question that was cut off is not answered with no
        risky = job.what != "send"
        try:
            pipe = self._ready()
            pipe.send(job)
        except (OSError, EOFError) as error:
            self.close()
            return _cut_off(risky, f"no process to send from: {type(error).__name__}")
        end = time.monotonic() + deadline_s
        answer: Answer | None = None
        try:
            while pipe.poll(max(0.0, end - time.monotonic())):
                kind, told = pipe.recv()
                if kind == "done":
                    return _with(answer, told)
                if kind == "risk":
                    risky = True
                else:
                    answer = told
        except (EOFError, OSError):
            self.close()
            return answer or _cut_off(risky, "the process that sent it has died")
        self.close()
        if answer is not None:
            return _with(answer, "the picture took too long" if answer.outcome == "delivered" else "")
        return _cut_off(risky, f"no answer within {deadline_s:g} s")

    def close(self) -> None:
        """End the child."""
        if self._pipe is not None:
            self._pipe.close()
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child = self._pipe = None

    def _ready(self) -> Connection[Any, Any]:
        if self._pipe is not None and self._child is not None and self._child.poll() is None:
            return self._pipe
        self.close()
        ours, theirs = Pipe()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603 our own interpreter and module
                [
                    sys.executable,
                    "-m",
                    "steadycast.alerts.sending",
                    str(theirs.fileno()),
                    str(os.getpid()),
                    self._kind,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._pipe = ours
        try:
            ready = ours.poll(START_S) and ours.recv() == "ready"
        except (EOFError, OSError):
            ready = False
        if not ready:
            # its late word must not be taken for an answer
            self.close()
            raise ConnectionError
        return ours


def _cut_off(risky: bool, text: str) -> Answer:
    return Answer("unclear" if risky else "unreachable", text)


def _with(answer: Answer | None, remark: str) -> Answer:
    found = answer or Answer("unclear", "no answer")
    if not remark:
        return found
    return Answer(found.outcome, f"{found.text}, {remark}", found.retry_after_s, found.facts)


def main(arguments: list[str]) -> int:
    """The child: jobs from the pipe, their answers into it, until the parent is gone."""
    pipe: Connection[Any, Any] = Connection(int(arguments[0]))
    threading.Thread(target=_end_with, args=[int(arguments[1])], daemon=True).start()
    if arguments[2] in _SENDERS:
        # loaded before the first job, of whose time it is no part
        importlib.import_module(f"steadycast.alerts.channels.{_SENDERS[arguments[2]][0]}")
    pipe.send("ready")
    with contextlib.suppress(EOFError, OSError):
        while True:
            job: Job = pipe.recv()
            try:
                _work(pipe, job)
            except (EOFError, OSError):
                raise
            except Exception as error:
                # a mistake of ours must not end as silence: the next channel is tried
                pipe.send(("answer", Answer("refused", f"{type(error).__name__} before it was sent")))
                pipe.send(("done", ""))
    return 0


def _end_with(parent: int) -> None:
    """A process whose parent was killed must not hang on, whatever it waits for."""
    while os.getppid() == parent:
        time.sleep(_PARENT_S)
    os._exit(1)


def _work(pipe: Connection[Any, Any], job: Job) -> None:
    remark = ""
    if job.what == "send" and job.message is not None:
        answer = send_now(job, risk=lambda: pipe.send(("risk", None)))
        pipe.send(("answer", answer))
        if job.kind == "slack" and answer.outcome == "delivered" and job.message.picture is not None:
            remark = _attach(job, answer)
    else:
        pipe.send(("answer", _asked(job)))
    pipe.send(("done", remark))


def send_now(job: Job, risk: Callable[[], None] = lambda: None) -> Answer:
    """Send in this process, with no bound on the whole.

    Args:
        job: with the message.
        risk: called before the step from which on the message may arrive.
    """
    if job.message is None:
        raise ValueError("nothing to send")
    if job.kind == "log":
        sys.stdout.write(f"{job.message.headline}\n{plain(job.message)}\n")
        sys.stdout.flush()
        return Answer("delivered", "logged")
    module, name = _SENDERS[job.kind]
    sender = getattr(importlib.import_module(f"steadycast.alerts.channels.{module}"), name)
    answer: Answer = sender(job.message, job.to, job.credential, job.timeout_s, risk)
    return answer


def _attach(job: Job, answer: Answer) -> str:
    from steadycast.alerts.channels import slack

    if job.message is None:
        return ""
    try:
        return slack.attach(job.message, answer.facts, job.credential, job.timeout_s)
    except Exception as error:
        # the message is there; a picture that is not is told in its receipt
        return f"the picture could not be attached: {type(error).__name__}"


def _asked(job: Job) -> Answer:
    about = dict(job.about or {})
    if job.what == "inbox":
        from steadycast.alerts.channels import webhook

        return webhook.contains(about["url"], about["code"], job.timeout_s)
    from steadycast.alerts.channels import slack

    if job.what == "find":
        return slack.find(about["id"], job.to, about["since"], job.credential, job.timeout_s)
    try:
        names = slack.reactions(about["channel"], about["ts"], job.credential, job.timeout_s)
    except Exception as error:
        return Answer("unclear", type(error).__name__)
    return Answer("delivered", ", ".join(names), facts={"reactions": names})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
