"""`ablations.run`: the example notebook from top to bottom, interrupted once, and calls in this process."""

import asyncio
import io
import json
import os
import re
import shutil
import signal
import sys
from multiprocessing import spawn
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import ablations
from ablations.framework.discovery import find_studies
from commands import notebook

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
NO_SERVER = "http://127.0.0.1:9"
# What a run must leave alone, except variables of libraries
BEFORE = """
import os, signal, sys, ablations
assert "torch" not in sys.modules
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # two workers, so that not all jobs end at once

def describe():
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("KMP_", "TORCH", "_MLFLOW"))}
    handlers = [*map(signal.getsignal, (1, 2, 15))]
    return variables, os.getcwd(), id(sys.stdout), sys.modules["__main__"], handlers, BesideFinder in sys.meta_path

from bench.extensions.study_code import BesideFinder
state = describe()
"""
AFTER = "now = describe(); assert state == now, [(a, b) for a, b in zip(state, now) if a != b]"
JOBS, JOBS_BEFORE = 8, 2  # all, and those that end before the interrupt


def read_ends(out):
    return {file.name: json.loads(file.read_text())["ended"] for file in (out / "trials").glob("*.json")}


class Execution:
    """The cells of the notebook, executed in a folder; the one that runs is interrupted first, and run again."""

    def __init__(self, folder):
        self.out, self.ends = folder / "out", {}
        self.notebook = nbformat.read(NOTEBOOK, as_version=4)
        self.notebook.cells.insert(0, nbformat.v4.new_code_cell(BEFORE))
        self.notebook.cells.append(nbformat.v4.new_code_cell(AFTER))
        self.notebook.cells.append(nbformat.v4.new_code_cell("ablations.run('gelu.py', profile='quik')"))
        self.client = NotebookClient(self.notebook, timeout=200, resources={"metadata": {"path": str(folder)}})

    async def execute(self):
        async with self.client.async_setup_kernel(env=os.environ | {"MLFLOW_TRACKING_URI": NO_SERVER}):
            for place, cell in enumerate(self.notebook.cells):
                if cell.source.endswith("'quik')"):
                    self.refusal = await self.fail(place)
                    return
                if "ablations.run(" in cell.source:
                    interruption = asyncio.create_task(self.interrupt())
                    self.stop = await self.fail(place)
                    await interruption
                    self.ends = read_ends(self.out)
                await self.client.async_execute_cell(cell, place)

    async def fail(self, place):
        with pytest.raises(CellExecutionError):
            await self.client.async_execute_cell(self.notebook.cells[place], place)
        return [output.copy() for output in self.notebook.cells[place].outputs]

    async def interrupt(self):
        while len(read_ends(self.out)) < JOBS_BEFORE:
            await asyncio.sleep(0.05)
        await self.client.km.interrupt_kernel()

    def show(self, source):
        """Return the HTML that the cell with this text shows."""
        (cell,) = [cell for cell in self.notebook.cells if source in f"{cell.source}\n"]
        (html,) = [output.data["text/html"] for output in cell.outputs if "data" in output]
        return BeautifulSoup(html, "html.parser")


@pytest.fixture(scope="module")
def execution(tmp_path_factory):
    execution = Execution(tmp_path_factory.mktemp("notebook"))
    asyncio.run(execution.execute())
    return execution


def test_an_interrupted_cell_goes_on(execution):
    error = "RunInterrupted: stopped; finished jobs are kept; run the same again to continue"
    assert execution.stop[-1].traceback == [error]
    ends = read_ends(execution.out)
    assert JOBS_BEFORE <= len(execution.ends) < len(ends) == JOBS
    assert {name: ends[name] for name in execution.ends} == execution.ends


def test_the_bar_says_how_many_jobs_are_done(execution):
    (stopped,) = [output.data["text/html"] for output in execution.stop if "data" in output]
    count = re.search(rf"stopped: (\d) of {JOBS} jobs done", stopped)
    assert int(count[1]) <= len(execution.ends)  # a worker may have written a record that the run did not see any more
    shown = execution.show("= ablations.run(")
    assert (shown.progress["value"], shown.progress["max"]) == (str(JOBS), str(JOBS))
    assert f": {JOBS} of {JOBS} jobs done[{JOBS}/{JOBS}] gelu / " in shown.text


def test_the_result_shows_the_verdicts_of_the_report_the_figure_and_links(execution):
    (claim,) = json.loads((execution.out / "reports" / "report.json").read_text())["claims"]
    result, verdicts, figure = map(execution.show, ("result\n", "result.verdicts", "result.figures"))
    shown = [cell.text for cell in result.tbody("td")]
    assert claim["verdict"] in shown[0] and shown[1] == claim["sentence"] and shown[3] == "2"
    assert [cell.text for cell in verdicts.tbody("td")][:2] == [claim["id"], claim["verdict"]]
    for image in (result.img, figure.img):
        assert image["src"].startswith("data:image/svg+xml;base64,")
    assert "Claims with verdict" in result.img["alt"] and "Learning curves" in figure.img["alt"]
    assert [link["href"] for link in result("a")] == [
        f"out/reports/{name}" for name in ("report.html", "report.pdf", "report.json", "trials.csv")
    ]


def test_a_bad_argument_is_one_line(execution):
    (line,) = execution.refusal[-1].traceback
    assert line.startswith("InputError: profile: invalid choice: 'quik' (choose from")


def test_the_notebook_is_kept_without_outputs_and_short():
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) <= 6 and not any(cell.outputs or cell.execution_count for cell in cells)


@pytest.fixture
def study(smoke):
    """The study of the smoke run, as a cell would declare it."""
    (study,) = find_studies([str(smoke.study)])
    return study


def test_a_study_without_a_file_gives_frames_of_what_the_report_holds(smoke, study, tmp_path, monkeypatch, capsys):
    """All records are present, so that nothing is trained."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NO_SERVER)
    shutil.copytree(smoke.out / "trials", tmp_path / "trials")
    handlers, variables = [*map(signal.getsignal, (1, 2, 15))], dict(os.environ)
    result = ablations.run(study, data=smoke.images, profile="smoke", device="cpu", out=tmp_path)
    assert ([*map(signal.getsignal, (1, 2, 15))], dict(os.environ)) == (handlers, variables)
    assert "8 of 8 jobs are done already" in (text := capsys.readouterr().out) and "1 claim on tints" in text
    assert "Next:   the same call with profile='quick'" in text
    (claim,) = json.loads(result.report.json.read_text())["claims"]
    row = result.verdicts.iloc[0]
    assert len(result.verdicts) == 1 and [row.low, row.high] == claim["interval"]
    same = ("study", "id", "sentence", "verdict", "estimate", "margin", "unit", "pairs", "p_holm", "reason", "kind")
    assert [row[name] for name in same] == [claim[name] for name in same]
    written = pd.read_csv(io.StringIO(result.trials.to_csv(index=False)))
    pd.testing.assert_frame_equal(written, pd.read_csv(result.report.csv))
    assert result.figures[0].alt.startswith("Claims with verdict") and "<a " not in result.figures[0].svg


@pytest.mark.parametrize(
    "study, arguments, message",
    [
        ("rel", {}, "study 'rel' not found: expected architecture"),
        ("relu", {"seeds": 0}, "seeds is 0: expected 1 to 1000"),
        ("relu", {"seeds": "x"}, "seeds: invalid int value: 'x'"),
        ("relu", {"limit": "soon", "data": "digits"}, "limit is 'soon': expected 90s, 30m or 2h"),
        ("relu", {"out": "~nobody-of-this-name"}, "out: ~nobody-of-this-name names no home folder"),
        (3, {}, "study is of type int: expected a Study, a name such as 'relu', a path that ends in .py, or a list"),
        ([], {}, "no study: name at least one"),
        (ablations.Study("Why?", ()), {}, "the study that asks 'Why?' has no name"),
        (ablations.Study("Why?", (), name="relu"), {}, "a study has the name 'relu', which names a file or a study"),
        (ablations.Study("Why?", 3, name="x"), {}, "study x cannot be used: claims is 3: expected a tuple"),
        ([ablations.Study("Why?", (), name="x")] * 2, {}, "two studies have the name 'x'"),
    ],
)
def test_a_bad_argument_raises(study, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ablations.InputError) as raised:
        ablations.run(study, **arguments)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "message, words",
    [
        ("o cannot be written: name another folder with --out", "o cannot be written: name another folder with out"),
        ("no GPU: take --device cpu, or install a torch", "no GPU: take device='cpu', or install a torch"),
        (
            "a--data cannot be written: name another folder with --out",
            "a--data cannot be written: name another folder with out",
        ),
        ("x.json is no record: ablate doctor --fix --out o puts it aside", None),
    ],
)
def test_a_message_names_arguments_in_place_of_options(message, words):
    assert notebook._in_words_of_call(message) == (words or message)


def test_workers_do_not_import_the_script_which_would_run_the_studies_again(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/script.py", raising=False)
    with notebook._hide_script():
        assert not any(name.startswith("init_main") for name in spawn.get_preparation_data("worker"))
    assert any(name.startswith("init_main") for name in spawn.get_preparation_data("worker"))
