"""The environment of all components: Airflow is configured here and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from steadycast_local.credentials import USER, Credentials, password_file
from steadycast_local.options import ROOT, Options

MARKER = "STEADYCAST_STACK"
"""Environment variable that names the home; every process of a stack, however deep, inherits it."""

DROPPED = ("AIRFLOW__", "PYTEST_", "COV_", "PYTHONDONTWRITEBYTECODE")
"""Not handed on: another Airflow's settings, the test runner's, and what makes each start compile anew."""


def components_environment(options: Options, credentials: Credentials) -> dict[str, str]:
    """Environment of scheduler, API server, DAG processor, triggerer, sandbox, and so of all tasks."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)}
    env = kept | _airflow(options, credentials) | _quick() | _steadycast(options)
    env |= _connections(options, credentials)
    return env | dict(options.extra_env)


def _airflow(options: Options, credentials: Credentials) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(options.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(options.dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(options.plugins),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{options.url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": credentials.fernet_key,
        # plain users and passwords, made for a single machine; docker-compose.yaml uses the FAB auth manager
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(options.home)),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(options.port),
        "AIRFLOW__API__BASE_URL": options.url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": credentials.api_secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": credentials.jwt_secret,
        # SQLite takes one writer at a time; with its own 5 s of patience a busy scheduler makes others fail
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{options.airflow_home / 'airflow.db'}?timeout=60",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(options.logs / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(
            options.logs / "dag_processor_files"
        ),
    }


def _quick() -> dict[str, str]:
    """Intervals for one person who watches; Airflow's defaults suit hundreds of DAGs."""
    return {
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
        # tasks of a killed scheduler are taken over within a minute instead of five
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
        # a grandchild that holds the output of a killed task keeps its worker for so long
        "AIRFLOW__WORKERS__SOCKET_CLEANUP_TIMEOUT": "15",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        # the next triggerer takes the triggers of a killed one over, the watches of the runs among them
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
        # but patience with a busy machine: 5 s, the default, fails tasks if the API server waits for a core
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
    }


def _connections(options: Options, credentials: Credentials) -> dict[str, str]:
    """Airflow connections of the demo. A Slack connection in the environment is passed on as it is."""
    # with it the sensor that watches a run clears what hangs
    api = {"conn_type": "http", "host": "127.0.0.1", "port": options.port, "schema": "http"}
    api |= {"login": USER, "password": credentials.password}
    sandbox = {"conn_type": "http", "host": "127.0.0.1", "port": options.sandbox_port, "schema": "http"}
    key = "demo" * 8  # the sandbox takes any of FRED's form, 32 letters and digits
    fred = sandbox | {"host": f"http://127.0.0.1:{options.sandbox_port}/fred", "password": key}
    del fred["port"], fred["schema"]
    return {
        "AIRFLOW_CONN_AIRFLOW_API": json.dumps(api),
        "AIRFLOW_CONN_SANDBOX": json.dumps(sandbox),
        "AIRFLOW_CONN_SANDBOX_FRED": json.dumps(fred),
    }


def _steadycast(options: Options) -> dict[str, str]:
    python_path = [str(ROOT / "include"), str(options.plugins), os.environ.get("PYTHONPATH", "")]
    return {
        MARKER: str(options.home),
        "STEADYCAST_LAKE": options.lake.as_uri(),
        "STEADYCAST_GIT_COMMIT": git_commit(ROOT),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
        "PYTHONUNBUFFERED": "1",
        # nothing calls home
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCARF_ANALYTICS": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # four tasks share few cores: one thread for linear algebra each; LightGBM sets its own number
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "OMP_NUM_THREADS": str(min(2, os.cpu_count() or 1)),
        "MPLBACKEND": "agg",
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY", ""), "127.0.0.1", "localhost"])),
        "no_proxy": ",".join(filter(None, [os.environ.get("no_proxy", ""), "127.0.0.1", "localhost"])),
    }


def git_commit(root: Path) -> str:
    """The commit that is checked out, with ``+changes`` if files differ; ``unknown`` without git."""
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
