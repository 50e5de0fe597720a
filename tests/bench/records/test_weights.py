"""Weights are used only if they are whole and those of their record; others are trained again, and none is deleted."""

import os
import shutil

import numpy as np
import pytest
from running import run
from safetensors.numpy import load, save

import ablate
from bench.records import archive as archives
from bench.records import store, validation, weights
from bench.runner.pending import find_missing_jobs
from bench.spec.jobs import Probe, Trial
from commands.import_records import import_from


def changed(change):
    """A change of the tensors in a file of weights."""

    def apply(content, other_content):
        tensors = load(content)
        change(tensors)
        return save(tensors)

    return apply


DAMAGE = {
    "cut short": lambda content, other_content: content[:1000],
    "cut by a byte": lambda content, other_content: content[:-1],
    "empty": lambda content, other_content: b"",
    "text": lambda content, other_content: b"weights",
    "of nothing": lambda content, other_content: save({}),
    "not a number": changed(lambda tensors: tensors["layers.conv1.bias"].fill(np.nan)),
    "without a layer": changed(lambda tensors: tensors.pop("layers.fc6.weight")),
    "without a bias": changed(lambda tensors: tensors.pop("layers.fc6.bias")),
    "with another layer": changed(lambda tensors: tensors.update({"layers.fc9.weight": np.ones(3, np.float32)})),
    "of another shape": changed(lambda tensors: tensors.update({"layers.fc6.bias": np.ones(3, np.float32)})),
}
SWAPPED = {"swapped": lambda content, other_content: other_content}


@pytest.fixture
def out(ran, tmp_path):
    """A copy of a run, and its two trials with ReLU, which a probe asks."""
    return shutil.copytree(ran.out, tmp_path / "out")


@pytest.fixture
def probe(ran):
    return next(job for job in ran.jobs if isinstance(job, Probe))


def damage(out, probe, change):
    """Damage the first trial's weights; return their file."""
    file, other_file = (store.weights_file(out, trial) for trial in probe.trials)
    file.write_bytes(change(file.read_bytes(), other_file.read_bytes()))
    return file


@pytest.mark.parametrize("change", [*DAMAGE.values(), *SWAPPED.values()], ids=[*DAMAGE, *SWAPPED])
def test_damaged_weights_are_found_and_lacking(out, probe, change):
    trial, other_trial = probe.trials
    assert weights.find_state(out, trial) == "usable"
    file = damage(out, probe, change)
    assert weights.find_fault(file, store.read(out, trial))
    assert (weights.find_state(out, trial), weights.find_state(out, other_trial)) == ("lacking", "usable")
    store.path(out, probe).unlink()
    assert find_missing_jobs([trial, probe], out) == [trial, probe]


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damaged_weights_of_a_record_without_their_digest_are_found(out, probe, change):
    record = {name: part for name, part in store.read(out, probe.trials[0]).items() if name != "weights"} | {
        "schema": 1
    }
    file = store.weights_file(out, probe.trials[0])
    assert weights.find_fault(file, record) == ""
    damage(out, probe, change)
    assert weights.find_fault(file, record)


def test_a_run_trains_damaged_weights_again_and_keeps_the_bad_file(ran, out, probe):
    whole = store.weights_file(out, probe.trials[0]).read_bytes()
    file = damage(out, probe, DAMAGE["cut short"])
    answer = store.read(out, probe)["samples"]
    store.path(out, probe).unlink()
    events = list(run([*probe.trials, probe], ran.source, out, workers=1))
    assert [event.job for event in events if event.kind == "done"] == [probe.trials[0], probe]
    assert file.read_bytes() == whole and store.read(out, probe)["samples"] == answer
    assert (out / "broken" / file.name).read_bytes() == whole[:1000]
    assert list(run([*probe.trials, probe], ran.source, out, workers=1)) == []


def test_the_doctor_moves_damaged_weights_aside(out, probe, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    file = damage(out, probe, SWAPPED["swapped"])
    for options, status, state in (([], 1, "broken"), (["--fix"], 0, "fixed"), ([], 0, "healthy")):
        assert ablate.main(["doctor", "--out", str(out), *options]) == status
        assert capsys.readouterr().out.startswith(state)
    assert not file.exists() and (out / "broken" / file.name).exists()


@pytest.mark.parametrize("make", [os.mkfifo, lambda file: file.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_a_pipe_or_a_device_in_place_of_weights_is_moved_aside_unread(out, probe, make, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    file = store.weights_file(out, probe.trials[0])
    file.unlink()
    make(file)
    ablate.main(["doctor", "--fix", "--out", str(out)])
    assert "is no regular file" in capsys.readouterr().out
    assert os.path.lexists(out / "broken" / file.name) and not os.path.lexists(file)


def test_damaged_weights_are_neither_exported_nor_imported_and_whole_ones_replace_them(ran, out, probe, archive):
    file = damage(out, probe, DAMAGE["not a number"])
    bad = file.read_bytes()
    assert archives.pack(out, out / "light.zip", True) == (len(ran.jobs), 1)
    imported = import_from(str(out), out.parent / "new", weights=True)
    assert [str(error) for error in imported.refused] == [
        f"{file.name} does not hold the weights of its record (they are damaged or of another training)"
    ]
    assert len(imported.new) == len(ran.jobs) and not store.weights_file(out.parent / "new", file.stem).exists()
    import_from(str(archive), out, weights=True)
    assert weights.find_state(out, probe.trials[0]) == "usable"
    assert (out / "broken" / file.name).read_bytes() == bad


def test_weights_of_another_measurement_than_the_one_here_are_left_out(out, probe, archive):
    trial = probe.trials[0]
    file = store.weights_file(out, trial)
    store.write(out, store.read(out, trial) | {"weights": "0" * 64})
    file.unlink()
    imported = import_from(str(archive), out, weights=True)
    assert imported.refused == [] and not file.exists()


def test_a_record_names_the_weights_that_were_kept_and_no_others(ran):
    for trial in (job for job in ran.jobs if isinstance(job, Trial)):
        record = validation.load_valid(store.path(ran.out, trial))
        assert ("weights" in record) == store.weights_file(ran.out, trial).exists()


def test_weights_of_a_record_whose_layers_lack_their_shape_are_found(out, probe):
    record = {"schema": 1, "network": {"layers": [{"name": "conv1", "kind": "conv", "parameters": 1}]}}
    assert "cannot be read" in weights.find_fault(store.weights_file(out, probe.trials[0]), record)
