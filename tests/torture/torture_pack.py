"""`ablate pack` with many kills, and on a full disk."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torture_disk import assert_refused, limited

CLASSES, EACH = 4, 60


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    root, draws = tmp_path_factory.mktemp("photographs") / "photographs", np.random.default_rng(0)
    for number in range(CLASSES * EACH):
        place = root / ("val" if number % 5 == 0 else "train") / f"n{number % CLASSES:08d}"
        place.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(draws.integers(0, 256, (8, 8, 3)).astype(np.uint8))
        small.resize((900, 700)).save(place / f"{number}.JPEG", quality=95)
    return root


@pytest.fixture(scope="module")
def undisturbed(command, environment, photographs, tmp_path_factory) -> dict[str, bytes]:
    target = tmp_path_factory.mktemp("whole") / "packed"
    subprocess.run([*command, "pack", photographs, target], env=environment, check=True, stdout=subprocess.DEVNULL)
    packed_files = contents(target)
    assert len(packed_files) == CLASSES * EACH + 1
    return packed_files


def contents(target: Path) -> dict[str, bytes]:
    return {str(file.relative_to(target)): file.read_bytes() for file in target.rglob("*") if file.is_file()}


def packed(target: Path) -> int:
    return len(list(target.glob("*/*/[!.]*")))


def test_packing_after_many_kills_equals_undisturbed_packing(
    command, marked, photographs, undisturbed, short, tmp_path
):
    target, chance, kills = tmp_path / "packed", random.Random(0), 0
    words = [*command, "pack", str(photographs), str(target)]
    while kills < (3 if short else 20):
        before = packed(target)
        with subprocess.Popen(words, env=marked, stdout=subprocess.DEVNULL) as process:
            burst = chance.randint(1, 9)
            while process.poll() is None and packed(target) < before + burst:
                time.sleep(0.002)
            process.kill()
        assert process.returncode != 0, "it finished before enough processes were killed"
        kills += 1
    assert before < len(undisturbed)
    assert subprocess.run(words, env=marked, stdout=subprocess.DEVNULL).returncode == 0
    assert contents(target) == undisturbed


def test_a_full_disk_is_reported_and_packing_resumes(command, marked, photographs, undisturbed, tmp_path):
    target = tmp_path / "packed"
    words = [*command, "pack", str(photographs), str(target)]
    smallest = min(len(content) for name, content in undisturbed.items() if name.endswith("JPEG"))
    assert_refused(
        subprocess.run(limited(words, smallest // 1024 - 1), env=marked, capture_output=True, text=True), ".JPEG"
    )
    assert not packed(target)
    assert subprocess.run(words, env=marked, stdout=subprocess.DEVNULL).returncode == 0
    assert contents(target) == undisturbed
