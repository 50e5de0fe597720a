"""Arms in MLflow: one run each, renewed when its numbers change; notes, saved views and their addresses."""

import dataclasses
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from mlflow.exceptions import MlflowException

from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.tracking import arm_publisher, mlflow_database, notes
from bench.tracking.arm_publisher import find_newest_view
from bench.tracking.arm_run import CONTROL, STATED, ArmRun, ArmsOfRun, Result, StudyArms
from bench.tracking.publisher import Publisher

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own

DATA = DataConfig("abcdef123456", 10, train=1000, name="digits")
UNUSUAL = "it's \\ 'p' = 0.5 (50 %) [w/ *LRN*]: #1!"
POINTS = (("test/accuracy", 0.5, 0), ("test/accuracy", 0.75, 2), ("test/accuracy high", 0.8, 2), ("seeds", 2, 0))


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database without experiments, which takes a second to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        Publisher(out := tmp_path_factory.mktemp("empty"))
    return out / "mlflow.db"


@pytest.fixture
def publisher(database, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(database, tmp_path)
    return Publisher(tmp_path)


def make_arm(arm="tanh", study="relu", points=POINTS, **changes):
    fields = {
        "role": STATED,
        "levels": {"activation": arm},
        "trials": (f"{arm} 0", f"{arm} 1"),
        "started_s": 10.5,
        "ended_s": 20.25,
        "remarks": (f"Sets activation = {arm}.",),
    }
    return ArmRun(study=study, arm=arm, points=points, **fields | changes)


def make_arms(*arms, study="relu", setting="quick, cpu, float32", figures=(("1 curves.svg", "<svg/>"),), names=()):
    result = Result("relu-cost", "supported", "It costs less (x2).")
    arms_of_study = StudyArms(
        study=study,
        question="Is it *cheap*?",
        results=(result,),
        arms=arms,
        names=(*(arm.arm for arm in arms), *names),
        factors=("activation",),
        metrics=("test/accuracy",),
        curves=(),
        figures=dict(figures),
    )
    return ArmsOfRun(vars(DATA), setting, (arms_of_study,))


def arm_runs(publisher):
    """The runs of arms by name, with the histories of their metrics and the names of their files."""
    experiment = next(number for name, number in publisher.experiment_ids.items() if ", arms on " in name)
    runs = {}
    for run in publisher.client.search_runs([experiment]):
        histories = {
            name: [(m.value, m.step, m.timestamp) for m in publisher.client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        files = [file.path for file in publisher.client.list_artifacts(run.info.run_id)]
        assert run.info.run_name not in runs
        runs[run.info.run_name] = (run, histories, files)
    return runs


def experiment_tags(publisher, kind):
    name = next(name for name in publisher.experiment_ids if kind in name)
    return publisher.client.get_experiment(publisher.experiment_ids[name]).tags


def test_an_arm_is_a_run_with_its_levels_curve_bounds_and_figures_between_its_trials_times(publisher):
    publisher.publish_arms(make_arms(make_arm()))
    ((name, (run, histories, files)),) = arm_runs(publisher).items()
    assert (name, run.info.status) == ("tanh (relu)", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (10_500, 20_250)
    assert run.data.params == {"study": "relu", "arm": "tanh", "activation": "tanh"}
    assert histories == {
        "test/accuracy": [(0.5, 0, 20_250), (0.75, 2, 20_250)],
        "test/accuracy high": [(0.8, 2, 20_250)],
        "seeds": [(2, 0, 20_250)],
    }
    assert run.data.metrics["test/accuracy"] == 0.75
    assert (run.data.tags["role"], run.data.tags["setting"]) == ("stated", "quick, cpu, float32")
    assert files == ["1 curves.svg"]


def test_publishing_arms_twice_adds_nothing(publisher, tmp_path):
    arms = make_arms(make_arm(), make_arm("relu"))
    publisher.publish_arms(arms)
    once, tags = arm_runs(publisher), experiment_tags(publisher, "arms on")
    second = Publisher(tmp_path)
    second.publish_arms(arms)
    assert {name: run[0].info.run_id for name, run in arm_runs(second).items()} == {
        name: run[0].info.run_id for name, run in once.items()
    }
    assert experiment_tags(second, "arms on") == tags


def test_seeds_that_come_later_renew_an_arms_run_and_leave_the_others(publisher, tmp_path):
    publisher.publish_arms(make_arms(make_arm(), make_arm("relu")))
    old = arm_runs(publisher)
    publisher.publish_arms(make_arms(make_arm(points=(*POINTS[:-1], ("seeds", 3, 0))), make_arm("relu")))
    new = arm_runs(publisher)
    assert new["tanh (relu)"][1]["seeds"] == [(3, 0, 20_250)]
    assert new["relu (relu)"][0].info.run_id == old["relu (relu)"][0].info.run_id
    replaced = old["tanh (relu)"][0].info.run_id
    assert new["tanh (relu)"][0].info.run_id != replaced
    assert not [file for file in tmp_path.glob(f"artifacts/{replaced}/**/*") if file.is_file()]


def test_new_figures_and_verdicts_change_the_run_that_an_arm_has(publisher):
    publisher.publish_arms(make_arms(make_arm()))
    (old, *_) = arm_runs(publisher)["tanh (relu)"]
    publisher.publish_arms(make_arms(make_arm(remarks=("Now *this*.",)), figures=(("2 bars.svg", "<svg/>"),)))
    new, _, files = arm_runs(publisher)["tanh (relu)"]
    assert new.info.run_id == old.info.run_id and "2 bars.svg" in files
    assert new.data.tags[notes.NOTE].startswith("Now \\*this\\*.")


def test_an_arm_that_its_study_no_longer_has_disappears_and_those_of_other_settings_stay(publisher):
    publisher.publish_arms(make_arms(make_arm("old name")))
    publisher.publish_arms(make_arms(make_arm("its arm", study="other"), study="other"))
    publisher.publish_arms(make_arms(make_arm("old name", ended_s=30.0), setting="full, cuda, float32"))
    publisher.publish_arms(make_arms(make_arm("new name")))
    runs = [(name, run[0].data.tags["setting"].split(",")[0]) for name, run in arm_runs(publisher).items()]
    assert sorted(runs) == [("its arm (other)", "quick"), ("new name (relu)", "quick"), ("old name (relu)", "full")]


def test_the_experiments_note_lists_studies_under_their_setting(publisher):
    for study in ("relu", "lrn"):
        publisher.publish_arms(make_arms(make_arm(study=study), study=study))
    for study in ("lrn", "relu"):
        publisher.publish_arms(make_arms(make_arm(study=study), study=study, setting="full, cuda, float32"))
    publisher.publish_arms(make_arms(make_arm()))
    note = experiment_tags(publisher, ", arms on ")[notes.NOTE]
    headings = re.findall(r"^### \[(\w+),|^\*\*\[(\w+)\]", note, re.MULTILINE)
    order = [setting or study for setting, study in headings]
    assert order[:3] == ["quick", "relu", "lrn"]
    assert order[3] == "full" and sorted(order[4:]) == ["lrn", "relu"]


def test_an_arm_without_numbers_yet_keeps_the_run_that_another_folder_published(publisher):
    publisher.publish_arms(make_arms(make_arm("whole"), make_arm("old name")))
    publisher.publish_arms(make_arms(make_arm("new"), names=("whole",)))
    assert sorted(arm_runs(publisher)) == ["new (relu)", "whole (relu)"]


def test_fewer_seeds_do_not_replace_more_unless_the_revision_is_another(publisher, monkeypatch):
    few_points = (("test/accuracy", 0.6, 0), ("seeds", 1, 0))
    publisher.publish_arms(make_arms(make_arm()))
    publisher.publish_arms(make_arms(make_arm(points=few_points)))
    assert arm_runs(publisher)["tanh (relu)"][0].data.metrics["seeds"] == 2
    monkeypatch.setattr(arm_publisher, "REVISION", "next")
    publisher.publish_arms(make_arms(make_arm(points=few_points)))
    assert arm_runs(publisher)["tanh (relu)"][0].data.metrics["seeds"] == 1


def test_a_renewed_arm_keeps_a_users_note_and_tags_and_only_its_present_figures(publisher):
    publisher.publish_arms(make_arms(make_arm(), figures=(("1 a.svg", "<svg/>"), ("2 b.svg", "<svg/>"))))
    run = arm_runs(publisher)["tanh (relu)"][0]
    publisher.client.set_tag(run.info.run_id, notes.NOTE, "My text")
    publisher.client.set_tag(run.info.run_id, "mine", "yes")
    publisher.publish_arms(make_arms(make_arm(ended_s=30.0)))
    run, _, files = arm_runs(publisher)["tanh (relu)"]
    assert (run.data.tags[notes.NOTE], run.data.tags["mine"], files) == ("My text", "yes", ["1 curves.svg"])
    publisher.publish_arms(make_arms(make_arm(ended_s=30.0), figures=(("3 c.svg", "<svg/>"),)))
    assert arm_runs(publisher)["tanh (relu)"][2] == ["3 c.svg"]


@pytest.mark.parametrize("call", ["log_batch", "set_terminated"])
def test_a_run_that_was_left_half_published_is_replaced(publisher, monkeypatch, call):
    with monkeypatch.context() as patch:
        patch.setattr(publisher.client, call, lambda *_, **__: exec("raise OSError('connection reset')"))
        with pytest.raises(OSError, match="connection reset"):
            publisher.publish_arms(make_arms(make_arm()))
    publisher.publish_arms(make_arms(make_arm()))
    ((run, histories, _),) = arm_runs(publisher).values()
    assert run.info.status == "FINISHED" and len(histories) == 3


def test_any_name_is_found_by_its_link_and_shown_as_it_is(publisher):
    arm = make_arm(UNUSUAL, UNUSUAL, role=CONTROL)
    publisher.publish_arms(make_arms(arm, make_arm("another", UNUSUAL), study=UNUSUAL))
    experiment = next(number for name, number in publisher.experiment_ids.items() if ", arms on " in name)
    page = notes.arm_page(experiment, UNUSUAL, UNUSUAL)
    (condition,) = parse_qs(page.partition("?")[2])["searchFilter"]
    (run,) = publisher.client.search_runs([experiment], condition)
    assert run.data.params["arm"] == UNUSUAL
    assert "\\*LRN\\*" in experiment_tags(publisher, "arms on")[notes.NOTE]


def make_trial(tmp_path, seed=0, studies=(("relu", "tanh"),)):
    job = Trial(ModelConfig(activation="tanh"), TrainConfig(), DATA, seed)
    fields = {"status": "finished", "started": 1.0, "ended": 2.0, "data": vars(DATA), "environment": {}}
    record = store.new_record(job) | fields
    store.write(tmp_path, record)
    store.add_tags(tmp_path, record["identity"], "quick", studies)
    return store.read(tmp_path, record["identity"])


def test_a_trial_and_its_arm_link_to_each_other(publisher, tmp_path):
    records = [make_trial(tmp_path, seed) for seed in (0, 1)]
    for record in records:
        publisher.publish(record)
    publisher.publish_arms(make_arms(make_arm(trials=tuple(record["identity"] for record in records))))
    trial_runs = [publisher.client.get_run(publisher.runs[record["identity"]].info.run_id) for record in records]
    assert [run.info.run_name for run in trial_runs] == ["relu / tanh / seed 0", "relu / tanh / seed 1"]
    arms_id = publisher.experiment_ids["AlexNet ablations, arms on digits [abcdef]"]
    assert f"(#/experiments/{arms_id}/runs?searchFilter=params.study" in trial_runs[0].data.tags[notes.NOTE]
    note = arm_runs(publisher)["tanh (relu)"][0].data.tags[notes.NOTE]
    assert all(run.info.run_id in note for run in trial_runs) and "- supported: It costs less (x2)." in note
    for kind in (": digits", ": counts"):
        assert (
            f"](#/experiments/{arms_id}/runs?viewStateShareKey=whole-" in experiment_tags(publisher, kind)[notes.NOTE]
        )


def test_a_trials_name_follows_its_studies_on_every_machine(publisher, tmp_path):
    publisher.publish(make_trial(tmp_path))
    record = make_trial(tmp_path / "elsewhere", studies=(("a study", "none"),))
    Publisher(tmp_path).publish(record)
    publisher = Publisher(tmp_path)
    publisher.publish(make_trial(tmp_path))
    run = publisher.client.get_run(publisher.runs[record["identity"]].info.run_id)
    assert run.info.run_name == "a study / none (+1) / seed 0"


def test_a_run_of_an_earlier_version_gets_a_new_name_and_keeps_its_param(publisher, tmp_path):
    record = make_trial(tmp_path)
    publisher.publish(record)
    run_id = publisher.runs[record["identity"]].info.run_id
    publisher.client.log_param(run_id, "variant", "activation=tanh (100 epochs of 1000, width 1)")
    publisher.client.update_run(run_id, "RUNNING", "activation=tanh (100 epochs of 1000, width 1) / seed 0")
    publisher = Publisher(tmp_path)
    publisher.publish(record)
    run = publisher.client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "relu / tanh / seed 0")
    assert run.data.params["variant"].startswith("activation=tanh") and run.data.params["seed"] == "0"


def test_names_and_notes_of_a_user_stay(publisher, tmp_path):
    record, arms = make_trial(tmp_path), make_arms(make_arm())
    publisher.publish(record)
    publisher.publish_arms(arms)
    arm_id = arm_runs(publisher)["tanh (relu)"][0].info.run_id
    run_id, arms_id = (
        publisher.runs[record["identity"]].info.run_id,
        publisher.experiment_ids["AlexNet ablations, arms on digits [abcdef]"],
    )
    publisher.client.update_run(run_id, name="my favourite")
    publisher.client.set_experiment_tag(arms_id, notes.NOTE, "mine")
    for run in (run_id, arm_id):
        publisher.client.set_tag(run, notes.NOTE, "mine")
    publisher = Publisher(tmp_path)
    publisher.publish(record)
    publisher.publish_arms(dataclasses.replace(arms, studies=make_arms(make_arm(remarks=("New.",))).studies))
    trial, arm = (publisher.client.get_run(run) for run in (run_id, arm_id))
    assert (trial.info.run_name, trial.data.tags[notes.NOTE], arm.data.tags[notes.NOTE]) == (
        "my favourite",
        "mine",
        "mine",
    )
    assert experiment_tags(publisher, "arms on")[notes.NOTE] == "mine"


@pytest.mark.parametrize("version, key", [("3.15.0", "viewStateShareKey=whole-"), ("3.14.1", "role+%3D+%27stated%27")])
def test_a_server_that_is_too_old_for_saved_views_gets_plain_links(publisher, monkeypatch, version, key):
    monkeypatch.setattr(mlflow_database, "server_version", lambda address: version)
    views = publisher.find_views(vars(DATA), "quick, cpu, float32", ["relu"])
    assert list(views) == ["", "relu"]
    assert all(re.match(r"http://127\.0\.0\.1:5000/#/experiments/\d+/runs\?", view) for view in views.values())
    assert key in views[""] and ("viewStateShareKey" in views["relu"]) == (version == "3.15.0")


@pytest.mark.parametrize("status, version", [(200, "3.17.2"), (404, "")])
def test_a_server_is_asked_for_its_version(version, status):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/version" else 500)
            self.end_headers()
            self.wfile.write(version.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert mlflow_database.server_version(f"http://127.0.0.1:{server.server_port}") == version
        server.shutdown()


def test_the_newest_view_of_all_studies_is_the_page_of_the_user_interface(publisher):
    assert find_newest_view(publisher.client) == ""
    publisher.publish_arms(make_arms(make_arm(ended_s=30.0), setting="full, cuda, float32"))
    publisher.publish_arms(make_arms(make_arm()))
    views = publisher.find_views(vars(DATA), "full, cuda, float32", [])
    assert views[""].endswith(find_newest_view(publisher.client))


def test_a_refusal_is_raised_after_other_attempts(publisher, monkeypatch):
    calls = []

    def refuse(*_, **__):
        calls.append(1)
        raise MlflowException.invalid_parameter_value("no")

    monkeypatch.setattr(publisher.client, "create_run", refuse)
    with pytest.raises(MlflowException):
        publisher.publish_arms(make_arms(make_arm()))
    assert len(calls) == 5
