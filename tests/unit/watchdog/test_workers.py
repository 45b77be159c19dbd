"""Against a real Redis and a real Celery worker."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.services import free_port
from watchdog.workers import BrokerSilent, Workers

START_S = 60
needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    redis.kill()
    redis.wait()


@pytest.fixture
def worker(broker, tmp_path):
    (tmp_path / "tiny.py").write_text(f"from celery import Celery\napp = Celery(broker={broker!r})\n")
    command = [sys.executable, "-m", "celery", "-A", "tiny", "worker", "--pool=solo", "-n", "one@here"]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
    asked, deadline = Workers(broker, 1), time.monotonic() + START_S
    while not asked.answering():
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()
    yield process
    process.kill()
    process.wait()
    log.close()


@needs_redis
def test_a_worker_answers_until_it_is_stopped_and_again_when_it_goes_on(broker, worker):
    asked = Workers(broker, 1, answer_s=2)
    assert asked.answering() == ("one@here",)
    os.kill(worker.pid, signal.SIGSTOP)
    assert asked.answering() == ()
    os.kill(worker.pid, signal.SIGCONT)
    assert asked.answering() == ("one@here",)


def test_a_broker_that_is_not_there_is_told_without_its_password():
    port = free_port()
    began = time.monotonic()
    with pytest.raises(BrokerSilent) as told:
        Workers(f"redis://:secret@127.0.0.1:{port}/0", 1, answer_s=1).answering()
    assert "secret" not in str(told.value)
    assert time.monotonic() - began < 15
