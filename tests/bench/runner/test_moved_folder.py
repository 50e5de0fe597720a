"""A run whose output folder is moved or removed stops; no job fails because of that, and the folder stays away."""

import dataclasses
import shutil
from concurrent.futures import Future

import pytest
from running import run

import ablate
from bench.models import complexity
from bench.records import store
from bench.runner import worker
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Trial
from bench.system import locks

JOBS = [Count(ModelConfig(width=width)) for width in (0.1, 0.2, 0.3)]


def rename(out):
    out.rename(out.with_name("elsewhere"))


def rename_records(out):
    store.folder(out).rename(out.with_name("elsewhere"))


def replace(out):
    rename(out)
    store.folder(out).mkdir(parents=True)


def remove_and_make(out):
    shutil.rmtree(out)
    store.folder(out).mkdir(parents=True)  # may get the inode number of the one that was removed


def submit(task, timeout_s):
    future = Future()
    try:
        future.set_result(worker.perform(task))
    except Exception as error:
        future.set_exception(error)
    return future


@pytest.mark.parametrize("fails", [False, True], ids=["measured", "raises"])
@pytest.mark.parametrize("harm", [rename, rename_records, replace, shutil.rmtree, remove_and_make])
def test_a_run_stops_in_one_line_and_writes_nothing_at_the_old_place(tmp_path, monkeypatch, harm, fails):
    out, count_network, counted = tmp_path / "out", complexity.count_network, []
    out.mkdir()

    def count(model):
        counted.append(model)
        if len(counted) == 2:
            harm(out)
            if fails:
                raise FileNotFoundError("cache/train_pixels.npy")
        return count_network(model)

    monkeypatch.setattr(complexity, "count_network", count)
    with pytest.raises(InputError, match="was moved or removed during the run: move it back, or name its new place"):
        list(run(JOBS, None, out, workers=1, submit=submit))
    assert len(counted) == 2 and not [file for file in out.rglob("*") if file.is_file()]
    moved_records = [*tmp_path.glob("elsewhere/**/*.json")]
    assert len(moved_records) == (0 if harm in (shutil.rmtree, remove_and_make) else 1)


def test_a_run_without_its_decoded_images_stops_and_fails_no_job(tmp_path, digits):
    source = dataclasses.replace(digits, folder=tmp_path / "cache" / "digits")
    trial = Trial(ModelConfig(width=1 / 16), TrainConfig(epochs=1), source.data, seed=0)
    (tmp_path / "out").mkdir()
    with pytest.raises(
        InputError, match=r"cache/digits/\w+\.npy was removed during the run: run the same command again"
    ):
        list(run([trial], source, tmp_path / "out", workers=1, submit=submit))
    assert not [*tmp_path.rglob("*.json"), *tmp_path.rglob("cache")]


def test_the_command_ends_with_one_line_and_does_not_make_the_folder_again(smoke, tmp_path, monkeypatch, capsys):
    def move(*_):
        rename(out)
        return
        yield

    out = shutil.copytree(smoke.out, tmp_path / "out")
    monkeypatch.setattr("commands.run.run", move)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # no mlflow
    assert ablate.main(["run", *smoke.arguments, "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ablate: {out} was moved or removed during the run") and not out.exists()


def test_a_lock_does_not_make_a_folder_that_is_gone(tmp_path):
    folder = tmp_path / "trials"
    folder.mkdir()
    with locks.lock(folder / "a.lock"):
        pass
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match="trials"):
        locks.lock(folder / "a.lock")
    assert not folder.exists()
