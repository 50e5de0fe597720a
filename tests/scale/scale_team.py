"""A team's server, MLflow on PostgreSQL: four machines publish to it at once; it is saved, lost and restored."""

import shutil
import subprocess
from functools import partial
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
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
    """A folder with a study and records for each machine: its own arm's, and those of arms that all have."""
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
    """Every machine's study by one, into a folder of its own."""
    done = ablate(*RUN, home / "all", *(home / f"{name}.py" for name in MACHINES), **variables)
    assert done.returncode == 0, done.stderr


def contents(out):
    return {file.name: file.read_bytes() for file in store.folder(out).iterdir()}


def publish_at_once(home, command, environment):
    """What each machine's run says, which finds all its records there."""
    runs = [
        subprocess.Popen(
            [*command, *RUN, home / name, home / f"{name}.py"], env=environment, stdout=subprocess.PIPE, text=True
        )
        for name in MACHINES
    ]
    outputs = [process.communicate()[0] for process in runs]
    assert [process.returncode for process in runs] == [0] * len(MACHINES), outputs
    return outputs


def known(database, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", database)
        return all_runs(Publisher(home))


@pytest.fixture(scope="module")
def story(home, command, ablate, environment):
    """What the server knew at each stage."""
    story, artifacts, kept, dump = SimpleNamespace(), home / "artifacts", home / "kept", home / "dump"
    with postgres() as cluster:
        at = urlsplit(cluster)

        def execute(name, *arguments):
            where = ["-h", at.hostname, "-p", str(at.port), "-U", at.username]
            subprocess.run([program(name), *where, *arguments], check=True)

        database = cluster.removesuffix(at.path) + "/team"
        serve = partial(mlflow_server, free_port(), database, artifacts, environment)
        execute("createdb", "team")
        with serve() as address:
            story.outputs = publish_at_once(home, command, environment | {"MLFLOW_TRACKING_URI": address})
            story.published = known(database, home)
            execute("pg_dump", "-Fc", "-f", dump, "team")
            shutil.copytree(artifacts, kept)
        execute("dropdb", "--force", "team")
        execute("createdb", "team")
        shutil.rmtree(artifacts)
        with serve() as address:
            story.wiped = known(database, home)
            run_all(ablate, home, MLFLOW_TRACKING_URI=address)
            story.published_again = known(database, home)
        execute("dropdb", "--force", "team")
        execute("createdb", "team")
        shutil.rmtree(artifacts)
        execute("pg_restore", "-d", "team", dump)
        shutil.copytree(kept, artifacts)
        with serve() as address:
            story.restored = known(database, home)
            story.imported = ablate("import", address, "--weights", "--out", home / "imported")
    return story


def test_of_four_machines_that_publish_at_once_every_run_is_there_once(home, story):
    both = contents(home / "ada").keys() & contents(home / "ben").keys()
    assert both and all(contents(home / name).keys() > both for name in MACHINES)
    identities = {record["identity"] for record in store.read_all(home / "all")}
    assert story.published.keys() == identities | {"report (smoke, digits (scikit-learn))"}
    assert {(len(those), those[0]["status"]) for those in story.published.values()} == {(1, "FINISHED")}


def test_none_of_them_is_told_of_the_others(story):
    for output in story.outputs:
        assert "MLflow refused" not in output and "cannot be reached" not in output and "View run" not in output


def test_a_server_that_is_lost_altogether_gets_every_run_once_more_from_who_has_the_records(story):
    assert story.wiped == {}
    assert story.published_again == story.published


def test_a_server_that_is_restored_has_every_run_once_as_it_was(story):
    assert story.restored == story.published


def test_the_restored_records_are_those_that_were_published_to_the_byte(home, story):
    assert story.imported.returncode == 0, story.imported.stderr
    assert contents(home / "imported") == contents(home / "all")
