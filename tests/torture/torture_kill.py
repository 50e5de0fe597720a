"""`kill -9` at random moments, over workers, the server that they fork from, and the command itself."""

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
from runs import asked, run, same

from bench.records import store

MORE = 4  # seeds that are added where all is measured before enough was killed
KINDS = {"command": 0.15, "helper": 0.1, "worker": 0.75}  # helper: the server of workers, and what tracks semaphores

Points = dict[tuple[str, int], float]  # when a trial's point was measured, by identity and epoch


def test_a_hundred_kills_change_nothing(command, marked, alone, short, tmp_path):
    out, more = tmp_path / "out", 0
    chance, kills, safe = random.Random(0), Counter[str](), Points()
    while sum(kills.values()) < (4 if short else 100):
        words = [*asked(command, tmp_path, short, more=more), "--retry-failed"]
        found, ended = disturbed(words, marked, out, chance, safe)
        kills += found
        more += MORE * ended  # too little work for so many kills
    print(f"\nkilled: {dict(kills)}; {len(safe)} points were in a checkpoint; {more} seeds were added")
    assert short or min(kills[kind] for kind in KINDS)
    last = [[*asked(command, tmp_path, short, more=more), "--retry-failed"]]
    if more:
        alone = tmp_path / "alone"
        last.append(asked(command, tmp_path, short, alone.name, more))
    for words in last:
        done = run(words, marked, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr

    same(out, alone)
    ended = {(r["identity"], point["epoch"]): point["time"] for r in store.read_all(out) for point in r["points"]}
    assert safe == {point: ended[point] for point in safe}, "what had a checkpoint was trained again"
    assert short or safe


def disturbed(
    words: list[str], environment: dict[str, str], out: Path, chance: random.Random, safe: Points
) -> tuple[Counter[str], bool]:
    """Runs the command and kills one of its processes now and then, until it is dead or done; notes what is safe. How
    often, and whether the command came to its end."""
    kills, mark, log = Counter[str](), environment["ABLATE_TORTURE"], out.with_suffix(".log")
    with (
        log.open("w") as said,
        subprocess.Popen(words, cwd=out.parent, env=environment, stdout=said, stderr=said) as process,
    ):
        while process.poll() is None:
            time.sleep(chance.uniform(0.1, 2.5))
            there = {one: kind_of(one, process.pid) for one in processes(mark)}
            if "worker" not in there.values() and chance.random() < 0.9:  # it still starts, or ends
                continue
            kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
            if victims := [one for one, what in there.items() if what == kind]:
                safe |= saved(out) | safe
                kills[kind] += killed(chance.choice(victims))
        told = log.read_text()
        assert process.returncode in (0, -signal.SIGKILL) or "failed. Rerun" in told, told
    until_none_is_left(mark)
    return kills, process.returncode == 0


def kind_of(process: int, command: int) -> str:
    return "command" if process == command else "helper" if parent(process) == command else "worker"


def killed(victim: int) -> bool:
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def saved(out: Path) -> Points:
    """The points of unfinished trials that their checkpoints hold: a trial writes those that it has."""
    found = Points()
    for file in store.folder(out).glob("*.part"):
        with suppress(FileNotFoundError):  # it has no checkpoint yet, or ends
            until = file.with_suffix(".checkpoint").stat().st_mtime
            points = [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            found |= {(file.stem, point["epoch"]): point["time"] for point in points if point["time"] < until}
    return found
