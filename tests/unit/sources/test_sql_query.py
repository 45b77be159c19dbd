from __future__ import annotations

import os
import re
import signal
import threading
import time

import psycopg2
import pytest
import sqlalchemy as sa

from steadycast import schema as c
from steadycast.errors import (
    BadCredential,
    BadResponse,
    SchemaDrift,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)
from steadycast.settings import SqlQuerySource
from steadycast.sources import Connection, sql_query
from tests.services import ProgramsMissing, free_port, running_postgres

QUERY = "SELECT day, shop, cakes FROM sales WHERE day >= :start AND day < :end ORDER BY day, shop"
ROWS = [
    ("2016-05-29", "north", 9),
    ("2016-06-01", "north", 3.5),
    ("2016-06-02", "south", None),
    ("2016-06-05", "south", 4),
]


@pytest.fixture(scope="session")
def postgres():
    try:
        with running_postgres() as server:
            engine = sa.create_engine(server.url)
            with engine.begin() as session:
                session.execute(sa.text("CREATE TABLE sales (day date, shop text, cakes numeric)"))
                session.execute(sa.text("CREATE SEQUENCE counter"))
                session.execute(sa.text("CREATE ROLE reader LOGIN PASSWORD 'r3ad'"))
                for row in ROWS:
                    session.execute(
                        sa.text("INSERT INTO sales VALUES (:d, :s, :c)"), dict(zip("dsc", row, strict=True))
                    )
            engine.dispose()
            yield server
    except ProgramsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def sqlite(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    with engine.begin() as session:
        session.execute(sa.text("CREATE TABLE sales (day text, shop text, cakes real)"))
        for row in ROWS:
            session.execute(
                sa.text("INSERT INTO sales VALUES (:d, :s, :c)"), dict(zip("dsc", row, strict=True))
            )
    engine.dispose()
    return Connection("shop", f"sqlite:///{tmp_path}/shop.db")


@pytest.fixture
def at_postgres(postgres):
    return Connection("shop", postgres.address, login=postgres.login, password=postgres.password)


@pytest.fixture(params=["sqlite", "at_postgres"])
def database(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def poll(week):
    def ask(connection, query=QUERY, progress=lambda *step: None, **changes):
        given = {
            "name": "sales",
            "kind": "sql_query",
            "connection": "shop",
            "query": query,
            "layout": {"date_field": "day", "entity_field": "shop"},
            "variables": [{"name": "cakes", "unit": "cakes per day"}],
            "timeouts": {"connect_s": 2, "request_s": 5, "total_s": 10},
        }
        return sql_query.fetch(
            SqlQuerySource.model_validate(given | changes), week, connection, progress=progress
        )

    return ask


def test_the_windows_rows_are_read(poll, database):
    told: list[tuple[str, int, int]] = []
    found = poll(database, progress=lambda *step: told.append(step))
    assert found.frame[[c.ENTITY, c.VALUE]].to_numpy().tolist() == [["north", 3.5], ["south", 4.0]]
    assert found.frame[c.DATE].astype(str).tolist() == ["2016-06-01", "2016-06-05"]
    assert found.columns_found == ("day", "shop", "cakes")
    assert found.notes == ("1 cell(s) without a value",)
    assert told == [("sales rows 3", 1, 0)]


def test_as_of_can_be_asked_for(poll, database):
    query = "SELECT '2016-06-01' AS day, 'north' AS shop, 7 AS cakes WHERE :as_of = :as_of AND :start < :end"
    assert poll(database, query).frame[c.VALUE].tolist() == [7]


def test_no_row_is_an_empty_poll_that_still_finds_drift(poll, database):
    assert poll(database, QUERY.replace("day <", "day < '2000-01-01' AND day <")).frame.empty
    with pytest.raises(SchemaDrift, match=r"field 'cakes' is missing.*\nNext: did you mean 'cake'"):
        poll(database, "SELECT day, shop, cakes AS cake FROM sales WHERE day < :start")


@pytest.mark.parametrize(
    "query",
    ["SELECT nothing FROM sales", "SELECT * FROM nowhere", "SELEC 1"],
    ids=["column", "table", "syntax"],
)
def test_a_wrong_query_tells_the_databases_words(poll, database, query):
    with pytest.raises(BadResponse, match=r"refuses the query: .*(nothing|nowhere|SELEC)"):
        poll(database, query)


def test_an_unknown_parameter_is_named(poll, database):
    with pytest.raises(SourceError, match=r"unknown parameter :until"):
        poll(database, "SELECT 1 WHERE 1 < :until")


def test_a_query_that_writes_is_refused_and_changes_nothing(poll, database):
    writes = {
        "sqlite": "DELETE FROM sales RETURNING day, shop, cakes",
        "postgresql+psycopg2": "SELECT nextval('counter') AS cakes, day, shop FROM sales",
    }
    with pytest.raises(BadResponse, match=r"the query wants to write"):
        poll(database, writes[database.address.split(":")[0]])
    assert len(poll(database).frame) == 2


def test_a_slow_query_ends_at_its_limit(poll, database):
    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "postgresql+psycopg2": "SELECT pg_sleep(20)",
    }
    began = time.monotonic()
    with pytest.raises(SourceTimeout, match=r"no complete answer of .* within 0.5 s"):
        poll(database, slow[database.address.split(":")[0]], timeouts={"request_s": 0.5, "total_s": 0.5})
    assert time.monotonic() - began < 3


def test_a_server_that_freezes_is_left_at_total_s(poll, at_postgres, postgres):
    # the server's own statement_timeout can not help: the process that serves us is stopped
    address = f"{at_postgres.address}?application_name=frozen"
    connection = Connection("shop", address, at_postgres.login, at_postgres.password)
    query = "SELECT pg_sleep(0.2), pg_backend_pid() AS cakes, day, shop FROM generate_series(1, 100), sales"
    watcher = psycopg2.connect(postgres.url.replace("+psycopg2", ""))
    frozen: list[int] = []

    def freeze() -> None:
        with watcher.cursor() as cursor:
            while not frozen:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity "
                    "WHERE application_name = 'frozen' AND query LIKE 'FETCH%' AND state = 'active'"
                )
                frozen.extend(pid for (pid,) in cursor.fetchall())
                watcher.rollback()
        os.kill(frozen[0], signal.SIGSTOP)

    thread = threading.Thread(target=freeze)
    thread.start()
    began = time.monotonic()
    try:
        with pytest.raises(SourceTimeout, match=r"within 1 s"):
            poll(connection, query, timeouts={"connect_s": 5, "request_s": 30, "total_s": 1})
        assert time.monotonic() - began < 5
    finally:
        thread.join(10)
        watcher.close()
        os.kill(frozen[0], signal.SIGCONT)


def test_a_refused_connection_is_unreachable_and_hides_the_password(poll):
    connection = Connection("shop", f"postgres://ann:s3cret@127.0.0.1:{free_port()}/shop")
    with pytest.raises(SourceUnreachable, match=r"refused") as raised:
        poll(connection)
    assert "s3cret" not in str(raised.value)


def test_a_wrong_password_is_a_bad_credential(poll, at_postgres):
    wrong = Connection("shop", at_postgres.address, login=at_postgres.login, password="wr0ng")
    with pytest.raises(BadCredential, match=r"password authentication failed.*\nNext: renew") as raised:
        poll(wrong)
    assert "wr0ng" not in str(raised.value)


def test_a_missing_right_is_a_bad_credential(poll, at_postgres):
    reader = Connection("shop", at_postgres.address, login="reader", password="r3ad")
    with pytest.raises(BadCredential, match=r"permission denied for table sales"):
        poll(reader)


def test_the_short_name_of_postgres_works(poll, at_postgres, postgres):
    short = Connection("shop", re.sub(r"^postgresql\+psycopg2", "postgres", postgres.url))
    assert len(poll(short).frame) == 2


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        pytest.param(None, "it has no connection", id="none"),
        pytest.param(Connection("shop"), "connection 'shop' has no database address", id="no_address"),
        pytest.param(Connection("shop", "snowball://host/db"), "no SQL dialect 'snowball'", id="dialect"),
        pytest.param(
            Connection("shop", "mysql+nodriver://host/db"), "no SQL dialect 'mysql.nodriver'", id="driver"
        ),
        pytest.param(
            Connection("shop", "mssql+pymssql://host/db"), "driver 'pymssql' is not installed", id="module"
        ),
    ],
)
def test_an_address_that_leads_nowhere_is_named(poll, connection, said):
    with pytest.raises(SourceError, match=said):
        poll(connection)


def test_a_missing_sqlite_file_is_unreachable(poll, tmp_path):
    with pytest.raises(SourceUnreachable, match=r"unable to open database file"):
        poll(Connection("shop", f"sqlite:///{tmp_path}/no/shop.db"))
