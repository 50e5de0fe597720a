"""`kill -9` at random moments: workers, the fork server, and the command itself."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from processes import parent, processes, until_none_is_left
from runs import assert_same_results, command_line, run

from bench.records import store

MORE = 4  # number of seeds added if a run finishes before enough processes were killed
KINDS = {"command": 0.15, "helper": 0.1, "worker": 0.75}  # helper: the fork server and the semaphore tracker

Points = dict[tuple[str, int], float]  # Unix time of a trial's point, by identity and epoch


def test_a_hundred_kills_change_nothing(command, marked, undisturbed, short, tmp_path):
    out, extra_seeds = tmp_path / "out", 0
    chance, kills, saved_points = random.Random(0), Counter[str](), Points()
    while sum(kills.values()) < (4 if short else 100):
        words = [*command_line(command, tmp_path, short, extra_seeds=extra_seeds), "--retry-failed"]
        new_kills, finished = disturb(words, marked, out, chance, saved_points)
        kills += new_kills
        extra_seeds += MORE * finished
    print(f"\nkilled: {dict(kills)}; {len(saved_points)} points were in a checkpoint; {extra_seeds} seeds were added")
    assert short or min(kills[kind] for kind in KINDS)
    last = [[*command_line(command, tmp_path, short, extra_seeds=extra_seeds), "--retry-failed"]]
    if extra_seeds:
        undisturbed = tmp_path / "alone"
        last.append(command_line(command, tmp_path, short, undisturbed.name, extra_seeds))
    for words in last:
        process = run(words, marked, tmp_path)
        assert process.returncode == 0, process.stdout + process.stderr

    assert_same_results(out, undisturbed)
    ended = {(r["identity"], point["epoch"]): point["time"] for r in store.read_all(out) for point in r["points"]}
    assert saved_points == {point: ended[point] for point in saved_points}, "points in a checkpoint were trained again"
    assert short or saved_points


def disturb(
    words: list[str], environment: dict[str, str], out: Path, chance: random.Random, saved_points: Points
) -> tuple[Counter[str], bool]:
    """Run the command and kill its processes at random until it is dead or done, adding to `saved_points`.

    Returns the number of kills by kind of process, and whether the command finished.
    """
    kills, mark, log = Counter[str](), environment["ABLATE_TORTURE"], out.with_suffix(".log")
    with (
        log.open("w") as output,
        subprocess.Popen(words, cwd=out.parent, env=environment, stdout=output, stderr=output) as process,
    ):
        while process.poll() is None:
            time.sleep(chance.uniform(0.1, 2.5))
            kinds = {number: kind_of(number, process.pid) for number in processes(mark)}
            if "worker" not in kinds.values() and chance.random() < 0.9:  # it is starting or ending
                continue
            kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
            if victims := [number for number, its_kind in kinds.items() if its_kind == kind]:
                saved_points |= read_saved_points(out) | saved_points
                kills[kind] += kill(chance.choice(victims))
        text = log.read_text()
        assert process.returncode in (0, -signal.SIGKILL) or "--retry-failed" in text, text
    until_none_is_left(mark)
    page = out / "reports" / "report.html"  # of a run in progress
    assert not page.exists() or page.read_text(encoding="utf-8").endswith("</html>")
    return kills, process.returncode == 0


def kind_of(process: int, command: int) -> str:
    return "command" if process == command else "helper" if parent(process) == command else "worker"


def kill(victim: int) -> bool:
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def read_saved_points(out: Path) -> Points:
    """The points in checkpoints of unfinished trials: a checkpoint holds all points before it."""
    saved_points = Points()
    for file in store.folder(out).glob("*.part"):
        with suppress(FileNotFoundError):  # it has no checkpoint yet, or has just ended
            saved_at = file.with_suffix(".checkpoint").stat().st_mtime
            points = [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            saved_points |= {(file.stem, point["epoch"]): point["time"] for point in points if point["time"] < saved_at}
    return saved_points
