"""A team's server, MLflow on PostgreSQL, to which four machines publish at once; it is backed up, lost and restored."""

import shutil
import subprocess
from functools import partial
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from scale_interface import CHROMIUM, arms_shown, chart_sections, open_browser
from servers import all_runs, free_port, mlflow_server, postgres, program

from bench.records import store
from bench.tracking.publisher import Publisher

STUDY = """
from ablations import Study

STUDY = Study(question="?", claims=(), arms={{"relu": {{}}, "its own": {{"dropout": {}}}}})
"""
MACHINES = ("ada", "ben", "cem", "dia")
RUN = "run --profile smoke --data digits --device cpu --seeds 2 --out".split()
pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries


@pytest.fixture(scope="module")
def home(ablate, tmp_path_factory):
    """A folder with a study and records for each machine, of its own arm and of the arms that all machines share."""
    home = tmp_path_factory.mktemp("team")
    for number, name in enumerate(MACHINES, 1):
        (home / f"{name}.py").write_text(STUDY.format(number / 10))
    run_all(ablate, home)
    for record in store.read_all(home / "all"):
        for name in record["tags"]["studies"]:
            store.folder(home / name).mkdir(parents=True, exist_ok=True)
            for file in store.folder(home / "all").glob(f"{record['identity']}.*"):
                shutil.copy(file, store.folder(home / name))
    return home


def run_all(ablate, home, **variables):
    """Run the studies of all machines in one run, into a separate folder."""
    process = ablate(*RUN, home / "all", *(home / f"{name}.py" for name in MACHINES), **variables)
    assert process.returncode == 0, process.stderr


def contents(out):
    return {file.name: file.read_bytes() for file in store.folder(out).iterdir()}


def publish_at_once(home, command, environment):
    """Run all machines at once, with records that are all present; return their outputs."""
    runs = [
        subprocess.Popen(
            [*command, *RUN, home / name, home / f"{name}.py"], env=environment, stdout=subprocess.PIPE, text=True
        )
        for name in MACHINES
    ]
    outputs = [process.communicate()[0] for process in runs]
    assert [process.returncode for process in runs] == [0] * len(MACHINES), outputs
    return outputs


def published_runs(database, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", database)
        return all_runs(Publisher(home))


def look_at_arms(output):
    """Open the page with which a run ends; return its arms, and the sections of its charts."""
    (page,) = (line.removeprefix("MLflow: ") for line in output.splitlines() if line.startswith("MLflow: http"))
    with open_browser() as open_page:
        page = open_page(page)
        return chart_sections(page)[:2], arms_shown(page)


@pytest.fixture(scope="module")
def story(home, command, ablate, environment):
    """The runs on the server at each stage: published, lost, published again, restored."""
    story, artifacts, backup, dump = SimpleNamespace(), home / "artifacts", home / "kept", home / "dump"
    with postgres() as cluster:
        at = urlsplit(cluster)

        def execute(name, *arguments):
            connection = ["-h", at.hostname, "-p", str(at.port), "-U", at.username]
            subprocess.run([program(name), *connection, *arguments], check=True)

        database = cluster.removesuffix(at.path) + "/team"
        serve = partial(mlflow_server, free_port(), database, artifacts, environment)
        execute("createdb", "team")
        with serve() as address:
            story.outputs = publish_at_once(home, command, environment | {"MLFLOW_TRACKING_URI": address})
            story.published = published_runs(database, home)
            story.arms = look_at_arms(story.outputs[0]) if CHROMIUM else None
            execute("pg_dump", "-Fc", "-f", dump, "team")
            shutil.copytree(artifacts, backup)
        execute("dropdb", "--force", "team")
        execute("createdb", "team")
        shutil.rmtree(artifacts)
        with serve() as address:
            story.wiped = published_runs(database, home)
            run_all(ablate, home, MLFLOW_TRACKING_URI=address)
            story.published_again = published_runs(database, home)
        execute("dropdb", "--force", "team")
        execute("createdb", "team")
        shutil.rmtree(artifacts)
        execute("pg_restore", "-d", "team", dump)
        shutil.copytree(backup, artifacts)
        with serve() as address:
            story.restored = published_runs(database, home)
            story.imported = ablate("import", address, "--weights", "--out", home / "imported")
    return story


def test_four_machines_that_publish_at_once_leave_every_run_once(home, story):
    shared_runs = contents(home / "ada").keys() & contents(home / "ben").keys()
    assert shared_runs and all(contents(home / name).keys() > shared_runs for name in MACHINES)
    identities = {record["identity"] for record in store.read_all(home / "all")}
    arms = {identity for identity in story.published if identity.startswith("arm ")}
    assert story.published.keys() == identities | arms | {"report (smoke, digits (scikit-learn))"}
    names = sorted(story.published[identity][0]["name"] for identity in arms)
    assert names == sorted(f"{arm} ({machine})" for machine in MACHINES for arm in ("relu", "its own"))
    assert {(len(runs), runs[0]["status"]) for runs in story.published.values()} == {(1, "FINISHED")}


def test_no_run_reports_a_conflict_with_another_machine(story):
    for output in story.outputs:
        assert "MLflow refused" not in output and "cannot be reached" not in output and "View run" not in output


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (Debian: apt install chromium)")
def test_the_page_with_which_a_run_ends_shows_the_arms_of_all_machines(story):
    sections, arms = story.arms
    assert sections == ["Arms of stated comparisons (2)", "Factors and results (1)"]
    assert arms == [f"relu ({machine})" for machine in MACHINES]  # the baselines: no study has a claim


def test_after_the_loss_of_a_server_every_record_is_published_again(story):
    assert story.wiped == {}
    assert story.published_again == story.published


def test_a_server_that_is_restored_has_every_run_once_as_it_was(story):
    assert story.restored == story.published


def test_the_restored_records_are_those_that_were_published_to_the_byte(home, story):
    assert story.imported.returncode == 0, story.imported.stderr
    assert contents(home / "imported") == contents(home / "all")
