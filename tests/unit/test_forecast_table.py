import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from steadycast.errors import PublicationError
from steadycast.forecast_table import address, replace_week
from steadycast.schema import FORECAST_DTYPES
from tests.forecast_tables import AS_OF, forecast
from tests.services import ProgramsMissing, running_postgres

LATER = AS_OF + dt.timedelta(weeks=1)


@pytest.fixture(scope="module")
def postgres():
    try:
        with running_postgres() as server:
            yield server
    except ProgramsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        yield sa.make_url(f"sqlite:///{tmp_path / 'forecast.db'}")
        return
    server = request.getfixturevalue("postgres")
    yield address(server.address, server.login, server.password)
    with _engine(sa.make_url(server.url)).begin() as session:
        session.execute(sa.text("drop table if exists demand"))
        session.execute(sa.text("drop schema if exists planning cascade"))


def _engine(url):
    return sa.create_engine(url, poolclass=NullPool)


def stored(url, what="entity, week, point, client_forecast, degraded, as_of", table="demand"):
    with _engine(url).connect() as session:
        return session.execute(sa.text(f"select {what} from {table} order by as_of, entity, week")).fetchall()  # noqa: S608


def test_the_table_is_made_with_the_forecasts_columns_and_types(url):
    assert replace_week(url, "demand", forecast(), AS_OF) == 4
    columns = {column["name"]: column for column in sa.inspect(_engine(url)).get_columns("demand")}
    assert list(columns) == list(FORECAST_DTYPES)
    assert isinstance(columns["week"]["type"], sa.Date)
    assert isinstance(columns["degraded"]["type"], sa.Boolean)
    key = sa.inspect(_engine(url)).get_pk_constraint("demand")["constrained_columns"]
    assert set(key) == {"as_of", "entity", "week"}


def test_values_arrive_whole_and_missing_ones_are_null(url):
    replace_week(url, "demand", forecast(cells={("Clark_Lake", 1, "point"): 100 / 3}), AS_OF)
    with _engine(url).connect() as session:
        point, client = session.execute(
            sa.text("select point, client_forecast from demand order by entity, week")
        ).first()
    assert (point, client) == (100 / 3, None)


def test_a_week_written_again_replaces_its_rows_and_only_those(url):
    replace_week(url, "demand", forecast(LATER), LATER)
    replace_week(url, "demand", forecast(), AS_OF)
    replace_week(url, "demand", forecast(cells={("Polk", 2, "point"): 11.0}).iloc[1:], AS_OF)
    rows = stored(url, "as_of, entity, point")
    assert [(str(as_of), entity, point) for as_of, entity, point in rows] == [
        ("2016-06-06", "Clark_Lake", 101.0),
        ("2016-06-06", "Polk", 10.1),
        ("2016-06-06", "Polk", 11.0),
        ("2016-06-13", "Clark_Lake", 101.0),
        ("2016-06-13", "Clark_Lake", 101.0),
        ("2016-06-13", "Polk", 10.1),
        ("2016-06-13", "Polk", 10.1),
    ]


def test_a_refused_row_leaves_the_old_week_as_it_was(url):
    replace_week(url, "demand", forecast(), AS_OF)
    before = stored(url)
    twice = forecast(cells={("Polk", 2, "week"): forecast()["week"].iloc[0], ("Polk", 2, "point"): 99.0})
    with pytest.raises(PublicationError, match=r"(?is)table demand of .* was not written: .*unique"):
        replace_week(url, "demand", twice, AS_OF)
    assert stored(url) == before


def test_two_runs_at_once_leave_one_whole_week(url):
    start, failed = threading.Barrier(4), []

    def run(shift):
        start.wait()
        frame = forecast(cells={(e, h, "point"): shift for e in ("Clark_Lake", "Polk") for h in (1, 2)})
        try:
            replace_week(url, "demand", frame, AS_OF)
        except PublicationError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=run, args=(float(i),)) for i in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    points = {row[0] for row in stored(url, "point")}
    assert len(stored(url)) == 4
    assert len(points) == 1  # the rows are one run's, not a mixture
    assert len(failed) < 4


def test_a_table_may_be_in_a_schema(postgres):
    url = sa.make_url(postgres.url)
    with _engine(url).begin() as session:
        session.execute(sa.text("create schema planning"))
    replace_week(url, "planning.demand", forecast(), AS_OF)
    assert len(stored(url, table="planning.demand")) == 4
    with _engine(url).begin() as session:
        session.execute(sa.text("drop schema planning cascade"))


def test_a_table_of_another_shape_is_left_alone_and_the_database_says_why(url):
    with _engine(url).begin() as session:
        session.execute(sa.text("create table demand (note text)"))
    with pytest.raises(PublicationError, match=r"demand.*was not written.*as_of"):
        replace_week(url, "demand", forecast(), AS_OF)


def test_a_password_is_never_told(postgres):
    wrong = address(postgres.address, postgres.login, "s3cret-word")
    with pytest.raises(PublicationError) as caught:
        replace_week(wrong, "demand", forecast(), AS_OF)
    assert "s3cret-word" not in str(caught.value)
    assert "password authentication failed" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "no database address", id="empty"),
        pytest.param("warehouse", "no database address", id="only_a_name"),
    ],
)
def test_what_is_no_address_is_told(text, says):
    with pytest.raises(PublicationError, match=says):
        address(text, None, None)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("oracel://host/db", "no SQL dialect 'oracel'", id="unknown_dialect"),
        pytest.param("mysql+pymysql://host/db", "driver 'pymysql' is not installed", id="no_driver"),
    ],
)
def test_a_database_we_have_no_driver_for_is_told(url, says):
    with pytest.raises(PublicationError, match=says):
        replace_week(sa.make_url(url), "demand", forecast(), AS_OF)


def test_the_credential_comes_from_the_connection_unless_the_address_has_one():
    assert address("postgres://host/db", "ann", "pw").render_as_string(False) == "postgresql://ann:pw@host/db"
    assert address("postgresql://bob:x@host/db", "ann", "pw").username == "bob"
    assert address("sqlite:///a.db", "ann", "pw").username is None
