import json
import subprocess
import sys

import pytest

from sandbox.cli import main


def test_a_fault_is_set_listed_and_cleared(sandbox, capsys):
    where = ["--url", sandbox.url]
    options = ["--option", "count=2", "-o", "from=2016-07-04"]
    assert main(["fault", "weather_a", "html", *options, *where]) == 0
    assert json.loads(capsys.readouterr().out)["weather_a"]["from"] == "2016-07-04"
    assert main(["faults", *where]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "weather_a": {"kind": "html", "count": 2, "from": "2016-07-04", "hit": 0, "spent": False}
    }
    assert main(["clear", "weather_a", *where]) == 0
    assert json.loads(capsys.readouterr().out) == {"cleared": ["weather_a"]}
    assert main(["clear", *where]) == 0
    assert json.loads(capsys.readouterr().out) == {"cleared": []}


def test_the_address_may_come_from_the_environment(sandbox, capsys, monkeypatch):
    monkeypatch.setenv("STEADYCAST_SANDBOX_URL", sandbox.url)
    assert main(["faults"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["fault", "fuel", "swapped"], "nothing can be swapped", id="misfit"),
        pytest.param(["fault", "fuel", "slow", "-o", "seconds"], "has no value", id="no_value"),
        pytest.param(
            ["fault", "fuel", "slow", "-o", "hours=2"], "there is no option hours", id="unknown_option"
        ),
    ],
)
def test_what_the_sandbox_refuses_is_told(sandbox, capsys, arguments, says):
    assert main([*arguments, "--url", sandbox.url]) == 2
    assert says in capsys.readouterr().err


def test_no_sandbox_there_is_told(capsys):
    assert main(["faults", "--url", "http://127.0.0.1:9"]) == 2
    assert "is the sandbox running?" in capsys.readouterr().err


def test_missing_data_are_told(tmp_path, capsys):
    assert main(["--data", str(tmp_path), "--port", "0"]) == 2
    assert "cta_entries_daily.csv.gz can not be read" in capsys.readouterr().err


def test_a_mistyped_kind_lists_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["fault", "fuel", "htlm"])
    assert "typing_error" in capsys.readouterr().err


def test_python_m_sandbox_helps():
    found = subprocess.run(
        [sys.executable, "-m", "sandbox", "--help"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0
    assert "--allow-remote" in found.stdout
