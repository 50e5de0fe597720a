"""Weights that were cut short, and `kill -9` while they are trained again."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess

from processes import until_none_is_left
from runs import all_measured, run, weights

from bench.records import cleanup, store

STUDY = """
from ablations import Ask, Study

STUDY = Study(
    question="?",
    claims=(),
    base={"epochs": 100, "dropout": 0.5},
    arms={"relu": {}},
    probes=(Ask("activity", ("relu",)), Ask("sub-networks", ("relu",))),
)
"""


def test_weights_cut_short_are_trained_again_whatever_is_killed(command, marked, short, tmp_path):
    (tmp_path / "small.py").write_text(STUDY)
    seeds = "1" if short else "4"
    options = f"run small.py --profile smoke --data digits --device cpu --seeds {seeds} --out {tmp_path / 'out'}"
    words, out, chance = [*command, *options.split()], tmp_path / "out", random.Random(0)
    assert run(words, marked, tmp_path).returncode == 0
    alone = shutil.copytree(out, tmp_path / "alone")
    cut_files = {name: content[: chance.randrange(len(content))] for name, content in weights(out).items()}
    for name, content in cut_files.items():
        (store.folder(out) / name).write_bytes(content)
    for record in store.read_all(out):
        if record["kind"] == "probe":
            store.path(out, record["identity"]).unlink()
    for _ in range(2 if short else 12):
        with subprocess.Popen(words, cwd=tmp_path, env=marked, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(chance.uniform(3, 8))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        until_none_is_left(marked["ABLATE_TORTURE"])
    done = run(words, marked, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run([*command, "doctor", "--fix", "--out", str(out)], marked, tmp_path)  # for those that no probe needs
    assert done.returncode == 0, done.stdout + done.stderr
    assert all_measured(out) == all_measured(alone)
    assert weights(out).items() <= weights(alone).items()
    assert {file.name: file.read_bytes() for file in (out / cleanup.BROKEN).iterdir()} == cut_files
