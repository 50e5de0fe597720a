"""Random input, thousands of times: the command uses it or refuses it in one line.

Nothing hangs, no traceback is printed, and no file outside the output folder is touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import ablate as command
import commands.run
from ablations import Setting, Study
from ablations.framework.profiles import PROFILES
from ablations.framework.request import _study_jobs
from ablations.framework.request_store import load_request
from bench.components.levels import LEVELS as LEVELS_OF
from bench.data import pixel_cache
from bench.data.source import locate
from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial, identity
from bench.system.text import printable
from reports import arm_runs, report, terminal

TIMEOUT_S = 60  # per example
LONG, SHORT = 700, 20  # numbers of examples per property
RECIPES = [field.name for field in dataclasses.fields(TrainConfig)]
MODELS = [field.name for field in dataclasses.fields(ModelConfig)]
WORDS = [LEVELS_OF[name] for name in ("activation", "normalisation", "dropout_place", "kernel", "augmentation")]
LEVELS = [level for words in (*WORDS, ("document", "zhang", "shuffled")) for level in words]


def often(test: Callable[..., None], short: bool) -> Callable[..., None]:
    count = SHORT if short else LONG
    suppressed = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(max_examples=count, deadline=None, suppress_health_check=suppressed, database=None)(test)


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    def hung(*_: object) -> None:
        raise AssertionError(f"it hung for {TIMEOUT_S} seconds")

    signal.signal(signal.SIGALRM, hung)
    signal.alarm(TIMEOUT_S)
    try:
        yield
    finally:
        signal.alarm(0)


@contextlib.contextmanager
def unchanged(tree: Path) -> Iterator[None]:
    before = snapshot(tree)
    yield
    assert snapshot(tree) == before


def snapshot(tree: Path) -> dict[str, Any]:
    """Return mode and content of everything below a folder, without following pipes and links."""
    entries = {}
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            file = Path(folder, name)
            plain = file.is_file() and not file.is_symlink()
            entries[str(file)] = (file.lstat().st_mode, file.read_bytes() if plain else b"")
    return entries


def assert_one_line(error: InputError) -> None:
    assert str(error) and str(error) == printable(str(error)), repr(str(error))


# Names: what a Linux file or argument may be called

LETTERS = st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0") | st.sampled_from(
    [chr(0xDC80 + byte) for byte in (0, 0x69, 0x7F)]
)
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: name not in (".", "..")) | st.sampled_from(
    ["[/b]", "[red]", "a\nb", "-x", "猫", ".hidden", "x" * 255, "<b>", "'", '"', " "]
)
NAMES = NAMES.filter(lambda name: len(os.fsencode(name)) < 256)


# Command lines

RARELY = st.sampled_from([False] * 9 + [True])
NUMBERS = st.integers(-5, 5).map(str) | st.integers().map(str) | st.floats().map(str)
VALUES = {  # mostly valid, so that most lines get far
    "--profile": (["smoke", "smoke", "quick", "auto"], st.just("lavish") | NAMES),
    "--data": (["images", "images", "auto"], st.sampled_from(["", "file", "~nobody", "images/train", "."]) | NAMES),
    "--device": (["cpu"], st.sampled_from(["tpu", ""]) | NAMES),
    "--seeds": (["1", "2", "3"], NUMBERS | NAMES),
    "--limit": (["0s", "1h", "2"], st.sampled_from(["soon", "", "-1"]) | NUMBERS | NAMES),
    "--out": (["out", "new/deep", "kept", "kept"], st.sampled_from(["file", "file/below", "", "x" * 300]) | NAMES),
    "--port": (["5000"], NUMBERS | NAMES),
}
FLAGS = ["--help", "--fix", "--weights", "--retry-failed", "--"]
STUDY_OPTIONS = ["--profile", "--data", "--seeds", "--out"]
COMMANDS = {  # options and arguments of each command
    "list": ([], []),
    "plan": (STUDY_OPTIONS, ["relu", "lrn", "kernels", "mine.py", "mine.py"]),
    "run": ([*STUDY_OPTIONS, "--limit", "--retry-failed"], ["relu", "dropout", "mine.py", "mine.py"]),
    "report": (["--out"], ["relu", "mine.py"]),
    "ui": (["--out", "--port"], []),
    "export": (["--out", "--weights"], ["file.zip", "file/below", "images"]),
    "import": (["--out", "--weights"], ["kept", "file", "images", "nowhere"]),
    "doctor": (["--out", "--fix"], []),
}
ODD = st.sampled_from(["bad.py", "folder.py", "nope", "", "nope.py"]) | NAMES


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    if draw(RARELY):
        return draw(st.lists(NAMES | st.sampled_from([*COMMANDS, *VALUES, *FLAGS]), max_size=4))
    first = draw(st.sampled_from(list(COMMANDS)))
    options, arguments = COMMANDS[first]
    line = [first, *(["--device", "cpu", "--data", "images"] if "--data" in options else [])]
    for option in draw(st.lists(st.sampled_from(options), max_size=3)) if options else ():
        line.append(draw(st.sampled_from([*VALUES, *FLAGS])) if draw(RARELY) else option)
        if line[-1] in VALUES:
            valid, invalid = VALUES[line[-1]]
            line.append(draw(invalid if draw(RARELY) else st.sampled_from(valid)))
    least = int(first in ("export", "import"))
    for _ in range(draw(st.integers(least, max(least, 2 * bool(arguments) - least)))):
        line.append(draw(ODD if draw(RARELY) or not arguments else st.sampled_from(arguments)))
    return line


def make_folder(folder: Path, smoke: Any) -> None:
    """Make images/, kept/ (a finished run), study files, and a file with the name of a folder."""
    shutil.copy(smoke.study, folder / "mine.py")
    (folder / "bad.py").write_text("def")
    (folder / "folder.py").mkdir()
    (folder / "file").write_text("a file")
    grown(folder / "images")
    shutil.copytree(smoke.out / "trials", folder / "kept" / "trials")
    shutil.copy(smoke.out / "run.json", folder / "kept")


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch, images: Path) -> None:
    """Replace training, publishing, serving and reporting by nothing; reports have their own test below."""

    class Nowhere:
        publisher, waiting, is_installed = None, (), False

        def __init__(self, *_: object) -> None: ...
        def publish(self, *_: object) -> None: ...
        def publish_all(self, *_: object) -> None: ...
        def publish_report(self, *_: object) -> None: ...
        def publish_arms(self, *_: object) -> None: ...
        def find_views(self, *_: object) -> dict[str, str]:
            return {}

    monkeypatch.setattr(commands.run, "run", lambda *_: iter(()))
    monkeypatch.setattr(commands.run, "RetryQueue", Nowhere)
    monkeypatch.setattr(command, "serve_ui", lambda *_: 0)
    shown = SimpleNamespace(evidence=SimpleNamespace(judgements=[]), blocks=[])
    monkeypatch.setattr(terminal, "show_report", lambda *_: shown)
    monkeypatch.setattr(arm_runs, "build_arms", lambda *_: None)
    monkeypatch.setenv("ABLATE_DATA", str(images))


def run_command(arguments: list[str]) -> tuple[object, str]:
    """Run the command; return its exit status and its text on stderr."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace")]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            status: object = command.main(arguments)
        except SystemExit as ended:
            status = f"usage {ended.code}"
        streams[0].flush()
        streams[1].flush()
    return status, streams[1].buffer.getvalue().decode()  # type: ignore[attr-defined]


def written(arguments: list[str]) -> set[str]:
    """Return the first part of every path that the command may write with these arguments."""
    outs = [value for option, value in itertools.pairwise(arguments) if option == "--out"]
    named = arguments if arguments[:1] == ["export"] else []
    return {Path(name).parts[0] for name in ("out", *outs, *named) if name}


def test_a_command_line_is_obeyed_or_refused(short, idle, smoke, tmp_path, monkeypatch):
    @given(lines())
    def check(arguments: list[str]) -> None:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            monkeypatch.chdir(folder)
            make_folder(Path(folder), smoke)
            before = snapshot(Path(folder))
            with in_time():
                status, error_text = run_command(arguments)
            monkeypatch.chdir(tmp_path)
            assert status in (0, 1, 2, "usage 0"), arguments
            assert "Traceback" not in error_text
            assert status != 2 or (error_text.startswith("ablate: ") and error_text.count("\n") == 1), error_text
            after = snapshot(Path(folder))
            changed = {name for name in before | after if before.get(name) != after.get(name)}
            assert {Path(name).relative_to(folder).parts[0] for name in changed} <= written(arguments)

    often(check, short)()


# Settings

SCALARS = st.none() | st.booleans() | st.integers() | st.integers(0, 20) | st.floats() | st.floats(0, 1) | st.text()
ANY = (
    SCALARS | st.sampled_from(LEVELS) | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(), SCALARS, max_size=2)
)
LAYERS = st.lists(st.sampled_from(["conv3", "conv4", "fc7", "fc8", "conv1"]) | SCALARS, max_size=3).map(tuple)
FIELDS = st.dictionaries(st.sampled_from([*RECIPES, *MODELS]), ANY | LAYERS, max_size=4)


def test_settings_are_built_or_refused(short):
    @given(FIELDS)
    def check(levels: dict[str, Any]) -> None:
        source = DataConfig("0123456789abcdef", 10, train=100)
        try:
            model = ModelConfig(**{name: level for name, level in levels.items() if name in MODELS})
            recipe = TrainConfig(**{name: level for name, level in levels.items() if name in RECIPES})
        except InputError as error:
            assert "\n" not in str(error)
        else:
            job = Trial(model, recipe, source, 0)
            assert len(identity(job)) == 16 and hash(job) == hash(dataclasses.replace(job))
        try:
            study = Study("?", (), arms={"a": {}, "b": levels}, name="mine")
            assert _study_jobs(study, Setting(PROFILES["smoke"], source))
        except InputError as error:
            assert "\n" not in str(error)

    often(check, short)()


# Folders


def encoded(kind: str) -> bytes:
    pixels = np.random.default_rng(len(kind)).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def spoilt(content: bytes, places: list[tuple[int, int]]) -> bytes:
    raw = bytearray(content)
    for place, value in places:
        raw[place % len(raw)] = value
    return bytes(raw)


IMAGES = [encoded(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")]
SPOILT = st.builds(
    spoilt, st.sampled_from(IMAGES), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=5)
)
CONTENTS = (
    SPOILT
    | st.sampled_from(IMAGES)
    | st.binary(max_size=50)
    | st.sampled_from([None, "pipe", "folder", "link", "loop"])
)
SPOTS = st.sampled_from(
    ["", "train", "test", "train/cat", "test/cat", "train/dog", "test/dog", "train/new", "test/new"]
)
FILES = NAMES | st.builds(lambda name, end: name[:60] + end, NAMES, st.sampled_from([".png", ".jpg", ".TIF", ".gif"]))
FILES = FILES | st.sampled_from(["0.png", "1.png", "cat", "dog", "new", "train"])
FILES = FILES.filter(lambda name: len(os.fsencode(name)) < 256)
CHANGES = st.lists(st.tuples(SPOTS, FILES, CONTENTS), max_size=5)


def grown(root: Path) -> None:
    for split, name in ((split, name) for split in ("train", "test") for name in ("cat", "dog")):
        (root / split / name).mkdir(parents=True)
        for number in (0, 1):
            (root / split / name / f"{number}.png").write_bytes(IMAGES[number])


def put(file: Path, content: bytes | str | None) -> None:
    """Write content to a path; None removes the file or folder."""
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "pipe":
        os.mkfifo(file)
    elif content == "folder":
        file.mkdir()
    elif content:
        file.symlink_to(file.name if content == "loop" else file.parent)


def test_a_folder_is_used_or_refused(short, tmp_path):
    @given(CHANGES)
    def check(changes: list[tuple[str, str, bytes | str | None]]) -> None:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            root = Path(folder, "images")
            grown(root)
            for spot, name, content in changes:
                with contextlib.suppress(OSError):  # an earlier change may stand in its way
                    put(root / spot / name, content)
            with unchanged(root), in_time():
                try:
                    source = locate(str(root), Path(folder, "out"))
                except InputError as error:
                    assert_one_line(error)
                    return
                assert set(os.listdir(folder)) == {"images", "out"}
                assert len(source.classes) == source.data.classes >= 2
                assert all(name == printable(name) for name in (*source.classes, source.data.name))
                assert [len(labels) for _, labels in pixel_cache.load(source.folder).values()] == [
                    source.data.train,
                    source.validation,
                    source.test,
                ]

    often(check, short)()


# Records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
STEPS = st.lists(st.integers(0, 30), min_size=1, max_size=5)
DAMAGES = st.lists(st.tuples(STEPS, st.sampled_from(["set", "alike", "alike", "drop"]), JSON), min_size=1, max_size=2)


def damaged(value: Any, steps: list[int], how: str, replacement: Any) -> Any:
    """Return the value with damage at the position that the steps lead to."""
    if not isinstance(value, dict | list) or not value or (not steps and how != "alike"):
        return replacement if how != "alike" or type(replacement) is type(value) else ALIKE.get(type(value), value)
    steps = steps or [1]
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, later_steps = keys[steps[0] % len(keys)], steps[1:]
    if how == "drop" and not later_steps:
        return (
            {k: v for k, v in value.items() if k != key} if isinstance(value, dict) else value[:key] + value[key + 1 :]
        )
    inner = damaged(value[key], later_steps, how, replacement)
    return {**value, key: inner} if isinstance(value, dict) else [*value[:key], inner, *value[key + 1 :]]


ALIKE = {int: 7, float: -0.25, str: "[b] <i> ü", bool: False}


@pytest.fixture
def finished(smoke, tmp_path, monkeypatch) -> Path:
    """Somebody else's run, reported from its declaration, without a PDF, as the page is made from the same blocks."""
    monkeypatch.setattr(report, "render_pdf", lambda *_: b"")
    shutil.copytree(smoke.out / "trials", tmp_path / "out" / "trials")
    request = json.loads((smoke.out / "run.json").read_text())
    (tmp_path / "out" / "run.json").write_text(json.dumps(request | {"signature": ""}))
    return tmp_path / "out"


def test_a_record_or_a_request_is_reported_or_refused(short, finished):
    original_files = {
        file: file.read_text() for file in [*sorted(store.folder(finished).glob("*.json")), finished / "run.json"]
    }

    @given(st.sampled_from(list(original_files)), DAMAGES, st.sampled_from([*[None] * 20, 0, 100, 5_000]))
    def check(file: Path, damages: list[tuple[list[int], str, Any]], cut: int | None) -> None:
        value = json.loads(original_files[file])
        for damage in damages:
            value = damaged(value, *damage)
        if isinstance(value, dict) and "checksum" in value:  # as another harness would write it
            value["checksum"] = store.checksum(value)
        file.write_text(json.dumps(value)[:cut])
        try:
            with unchanged(store.folder(finished)), in_time():
                request = load_request(finished)
                report.write_report(finished, request.studies, request.setting)
        except InputError as error:
            assert_one_line(error)
        finally:
            file.write_text(original_files[file])

    often(check, short)()
