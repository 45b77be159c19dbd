"""The secrets of the local stack: made once, kept in the home, readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

USER = "admin"


@dataclass(frozen=True)
class Credentials:
    """Made up by chance on the first run; never in the repository, never the same on two machines."""

    password: str
    jwt_secret: str
    fernet_key: str
    api_secret: str

    def __repr__(self) -> str:
        return "Credentials(hidden)"


def load_or_create(home: Path) -> Credentials:
    """The home's secrets; makes them on the first call, with Airflow's password file beside them."""
    file = home / "secrets.json"
    if not file.exists():
        made = Credentials(
            password=secrets.token_urlsafe(9),
            jwt_secret=secrets.token_urlsafe(48),
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            api_secret=secrets.token_urlsafe(32),
        )
        _write_private(file, asdict(made))
    kept = Credentials(**json.loads(file.read_text(encoding="utf-8")))
    _write_private(password_file(home), {USER: kept.password})
    return kept


def password_file(home: Path) -> Path:
    """Airflow's simple auth manager reads user and password from here."""
    return home / "passwords.json"


def _write_private(file: Path, content: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(content, handle)
    draft.replace(file)
