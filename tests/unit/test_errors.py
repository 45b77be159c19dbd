import inspect
import pickle

import pytest

from steadycast import errors
from steadycast.errors import GateFailed, SchemaDrift, SettingsError, SourceRateLimited, SteadycastError

EXAMPLES = [
    SteadycastError("it broke", remedy="mend it"),
    SettingsError("pipeline.yaml", ["a (line 1): is missing", "b (line 2): is missing"]),
    errors.LakeError("disk full", remedy="make room"),
    errors.LakeDenied("no permission", remedy="ask for it"),
    errors.LakeFull("disk full", remedy="make room"),
    errors.LakeUnreachable("no answer", remedy="wait"),
    errors.LakeMisplaced("no such bucket", remedy="correct the address"),
    errors.ArtefactUnreadable("runs/2016-06-06/infer/forecast.parquet", "no Parquet file"),
    errors.ArtefactMissing("runs/2016-06-06/infer/forecast.parquet"),
    errors.ArtefactConflict("runs/2016-06-06/infer/forecast.parquet"),
    errors.SourceError("fuel", "odd", remedy="look"),
    errors.SourceUnreachable("fuel", "refused the connection", remedy="start it"),
    errors.SourceTimeout("fuel", "silent for 20 s", remedy="wait"),
    SourceRateLimited("fuel", "too many requests", remedy="wait", retry_after_s=30.0),
    errors.BadCredential("fuel", "refused our key", remedy="renew the key"),
    errors.BadResponse("fuel", "sent an HTML page", remedy="ask the provider"),
    SchemaDrift("fuel", "price", found=["date", "cost"], remedy="change the field in pipeline.yaml"),
    GateFailed("validate ridership", ["3 values above 60", "week missing"], remedy="open the Data Docs"),
    errors.SourceAbsent("ridership", "has no data", remedy="wait for it"),
    errors.PublicationError("the table is locked", remedy="clear publish"),
    errors.StageDied("train", "its process was killed", remedy="give it more memory"),
    errors.StageStuck("train", "took longer than 540 s", remedy="see the log"),
    errors.ModelError("no rows to train on", remedy="check the panel"),
    errors.MoveRefused("driver", "the model does not see it", remedy="name another one"),
    errors.SourceUnknown("fule", ["fuel"]),
    errors.DecisionRefused("no such value", remedy="look at the list"),
    errors.AlertsMisconfigured("no address", remedy="correct the connection"),
    errors.MuteRefused("no end", remedy="give one"),
]


def test_there_is_an_example_of_every_error_above():
    classes = {c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, SteadycastError)}
    assert {type(example) for example in EXAMPLES} == classes, "add the new error to EXAMPLES"


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_under_one_root_and_ends_with_the_next_step(error):
    assert isinstance(error, SteadycastError)
    assert str(error) == f"{error.what}\nNext: {error.remedy}"
    assert error.remedy


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_between_processes(error):
    came_back = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert type(came_back) is type(error)
    assert str(came_back) == str(error)
    assert vars(came_back) == vars(error)


def test_a_source_error_names_the_source():
    error = errors.SourceTimeout("fuel", "silent for 20 s", remedy="wait")
    assert error.source == "fuel"
    assert str(error).startswith("source fuel: silent for 20 s")


def test_a_time_out_is_worth_a_retry_and_a_bad_credential_is_not():
    assert issubclass(errors.SourceTimeout, errors.SourceUnreachable)
    assert not issubclass(errors.BadCredential, errors.SourceUnreachable)


def test_a_failed_gate_lists_every_failure_and_counts_them():
    error = GateFailed(
        "validate ridership", ["3 values above 60", "week missing"], remedy="open the Data Docs"
    )
    assert error.failures == ["3 values above 60", "week missing"]
    assert str(error).splitlines()[:3] == [
        "validate ridership: 2 check(s) failed",
        "- 3 values above 60",
        "- week missing",
    ]


def test_schema_drift_tells_the_missing_field_and_what_there_is_instead():
    error = SchemaDrift("fuel", "price", found=["date", "cost"], remedy="change it")
    assert (error.field, error.found) == ("price", ["date", "cost"])
    assert "field 'price' is missing; the answer has date, cost" in str(error)


def test_a_rate_limit_keeps_the_wish_of_the_provider():
    assert SourceRateLimited("fuel", "429", remedy="wait", retry_after_s=30.0).retry_after_s == 30.0
    assert SourceRateLimited("fuel", "429", remedy="wait").retry_after_s is None


def test_a_missing_artefact_says_which_path_and_who_writes_it():
    error = errors.ArtefactMissing("runs/x/impute/panel.parquet", remedy="run impute")
    assert error.path == "runs/x/impute/panel.parquet"
    assert str(error) == "runs/x/impute/panel.parquet is not in the lake\nNext: run impute"
