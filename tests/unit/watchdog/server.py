"""Airflow's routes that the watchdog uses, a webhook and a dead-man's switch, on one real HTTP server."""

import contextlib
import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

PASSWORD = "right"


class Routes:
    """What the server answers and what it was asked."""

    def __init__(self):
        self.heartbeats = {}
        self.health_status = 200
        self.runs = []
        self.paused = False
        self.token = "first"
        self.refusal = 401
        self.webhook_status = 200
        self.posts, self.pings, self.messages = [], [], []

    def answer(self, method, path, query, body, token):
        if path.startswith("/ping"):
            self.pings.append(path)
            return 200, "OK"
        if path == "/hook":
            if self.webhook_status == 200:
                self.messages.append(json.loads(body)["text"])
            return self.webhook_status, "ok"
        if path == "/api/v2/monitor/health":
            return self.health_status, self.health()
        if path == "/auth/token":
            right = json.loads(body) == {"username": "admin", "password": PASSWORD}
            return (201, {"access_token": self.token}) if right else (401, {"detail": "Invalid credentials"})
        if token != f"Bearer {self.token}":
            return self.refusal, {"detail": "Not authenticated"}
        if path == "/api/v2/dags/weekly_forecast":
            return 200, {"is_paused": self.paused}
        if path == "/api/v2/dags/weekly_forecast/dagRuns":
            return self.create(json.loads(body)) if method == "POST" else self.page(query)
        return self.one(method, path, body)

    def one(self, method, path, body):
        for run in self.runs:
            if path == f"/api/v2/dags/weekly_forecast/dagRuns/{quote(run['dag_run_id'], safe='')}":
                run |= json.loads(body) if method == "PATCH" else {}
                return 200, run
        return 404, {"detail": path}

    def health(self):
        beats = {
            name: {"status": "healthy", f"latest_{name}_heartbeat": at and at.isoformat()}
            for name in ("scheduler", "dag_processor", "triggerer")
            for at in [self.heartbeats.get(name, lambda: dt.datetime.now(dt.UTC))()]
        }
        return {"metadatabase": {"status": "healthy"}, **beats}

    def create(self, body):
        self.posts.append(body)
        if body["dag_run_id"] in {run["dag_run_id"] for run in self.runs}:
            return 409, {"detail": "DagRun already exists"}
        self.runs.append(body | {"state": "queued"})
        return 200, self.runs[-1]

    def page(self, query):
        found = {name: int(value) for name, _, value in (p.partition("=") for p in query.split("&")) if
                 name in ("limit", "offset")}  # fmt: skip
        newest = [run for run in self.runs[::-1] if "state=running" not in query or run["state"] == "running"]
        begin = found.get("offset", 0)
        return 200, {"dag_runs": newest[begin : begin + found["limit"]]}


@contextlib.contextmanager
def serving(routes):
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self):
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = routes.answer(self.command, path, query, body, self.headers.get("Authorization"))
            status, content = answer
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = handle_any

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
