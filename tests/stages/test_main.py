"""The door of the stages: `python -m stages NAME`."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from codetune.core.errors import UserError
from stages import __main__ as door
from stages.__main__ import FIXES_NUMERICS, list_stages, run
from tests.conftest import ROOT, run_python

PIPELINE = {
    name: stage.get("do", stage)
    for name, stage in YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"].items()
}


def test_every_stage_is_run_through_the_door():
    assert list(PIPELINE) == list(FIXES_NUMERICS)
    assert {path.stem for path in (ROOT / "stages").glob("[a-z]*.py")} == set(PIPELINE)
    commands = {name: stage["cmd"].removesuffix(" ${key}") for name, stage in PIPELINE.items()}
    assert commands == {name: f"python -m stages {name}" for name in PIPELINE}


def test_numerics_are_fixed_for_the_stages_that_follow_their_section():
    assert {name for name, fixes in FIXES_NUMERICS.items() if fixes} == {
        name for name, stage in PIPELINE.items() if "numerics" in stage["params"]
    }


def test_the_list_has_a_line_for_each():
    lines = list_stages().split("\n")
    assert [line.split()[0] for line in lines] == list(PIPELINE)
    assert all(line.endswith((".", ")")) or len(line) > 40 for line in lines)
    done = run_python("-m", "stages")
    assert done.stdout == f"{list_stages()}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "there is no stage 'trian' (did you mean train? known: ingest, clean,"),
        (["describe", "now"], "stage describe: expected no argument, found now. Run `python -m stages describe`."),
        (["generate"], "stage generate: expected variant, found nothing. Run `python -m stages generate VARIANT`."),
    ],
)
def test_a_wrong_call_is_one_line(arguments, said):
    with pytest.raises(UserError) as caught:
        run(arguments[0], arguments[1:])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_name_ends_the_command_in_one_line():
    done = run_python("-m", "stages", "trian", check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: there is no stage 'trian'")


def test_inputs_are_checked_when_dvc_runs_a_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "describe")
    (tmp_path / "dvc.yaml").write_text("stages:\n  describe:\n    cmd: x\n    deps: [input]\n")
    (tmp_path / "input").write_text("old")
    editing = SimpleNamespace(main=lambda: (tmp_path / "input").write_text("new"))
    monkeypatch.setattr(door, "import_module", lambda _: editing)
    with pytest.raises(UserError, match="input changed while stage describe ran"):
        run("describe", [])
    run("describe", [])  # the same content again


LIGHT = [name for name, fixes in FIXES_NUMERICS.items() if not fixes]


def test_stages_without_numerics_start_without_torch():
    code = f"import importlib, sys; [importlib.import_module('stages.' + name) for name in {LIGHT}]; "
    assert run_python("-c", code + "print('torch' in sys.modules)").stdout == "False\n"


@pytest.mark.parametrize("name", ["augment", "score", "train"])
def test_a_stage_with_numerics_refuses_to_run_by_itself(monkeypatch, name):
    monkeypatch.setattr("codetune.numerics._fixed", [])
    with pytest.raises(RuntimeError, match=r"numerics\.fix\(\) has not run: a stage is run as `python -m stages NAME`"):
        import_module(f"stages.{name}").main()


def test_the_old_way_to_run_a_stage_is_told_of():
    done = run_python("-m", "stages.train", check=False)
    assert done.returncode == 1
    assert "python -m stages train" in done.stderr
