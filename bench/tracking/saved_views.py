"""Saved views of MLflow's page of runs: its columns, order and charts, as tags of an experiment, and their addresses.

A view is JSON with a name, a time and the state of the page, `ExperimentPageUIState` in MLflow's web interface.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from bench.tracking.arm_run import CONTROL, STATED, SUMMARY_METRICS, StudyArms

TAG_PREFIX = "mlflow.sharedViewState."
WHOLE = "whole-"  # begins the key of the view of all studies
FIRST_VERSION = (3, 15)  # of MLflow that shows saved views by name
PAGE = {"workflowType": "machine_learning"}  # else MLflow shows its pages for language models
CHARTS = {"compareRunsMode": "CHART"}
SUMMARY_FACTORS = ("activation", "normalisation", "dropout", "augmentation")
MAX_COLUMNS = 6  # factors, and metrics, that are shown as columns
MAX_BARS = 3  # metrics with a bar chart
MAX_RUNS = 100  # that a chart draws
HEIGHT_PX = 420  # of a chart

Chart = dict[str, Any]


def view_key(setting: str, study: str = "") -> str:
    """Return the key of a study's view, or of the view of all studies."""
    digest = hashlib.sha256(json.dumps([setting, study]).encode()).hexdigest()[:12]
    return digest if study else f"{WHOLE}{digest}"


def condition(name: str, value: str) -> str:
    """Return the condition that a param or tag has a value, in MLflow's search syntax."""
    quoted = value.replace("'", "_").replace("\\", "_")  # there is no escape: LIKE takes _ for any character
    return f"{name} = '{value}'" if quoted == value else f"{name} LIKE '{quoted}'"


def study_conditions(setting: str, study: str = "") -> list[str]:
    """Return the conditions on the runs of a study's arms, or of all studies' arms of stated comparisons."""
    arms = condition("params.study", study) if study else condition("tags.role", STATED)
    return [condition("tags.setting", setting), arms]


def runs_page(experiment_id: str, conditions: Iterable[str]) -> str:
    """Return the part after the server's address of the page of an experiment's runs that fulfil all conditions."""
    return f"#/experiments/{experiment_id}/runs?{urlencode({'searchFilter': ' AND '.join(conditions), **PAGE})}"


def view_page(experiment_id: str, key: str) -> str:
    """Return the part after the server's address of a saved view's page."""
    return f"#/experiments/{experiment_id}/runs?{urlencode({'viewStateShareKey': key, **CHARTS, **PAGE})}"


def supports_views(version: str) -> bool:
    """Whether a server of this version shows saved views."""
    parts = version.strip().split(".")[:2]
    return all(part.isdecimal() for part in parts) and tuple(map(int, parts)) >= FIRST_VERSION


def creation_ms(value: str) -> int:
    """Return the time of a view's tag in milliseconds of Unix time; 0 if its value holds no named view."""
    try:
        return int(json.loads(value)["createdAt"])
    except (ValueError, KeyError, TypeError):
        return 0


def encode_view(name: str, created_ms: int, state: dict[str, Any]) -> str:
    """Return the value of a view's tag."""
    compressed = base64.b64encode(zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": created_ms, "state": f"deflate;{compressed}"})


def study_state(study: StudyArms, setting: str) -> dict[str, Any]:
    """Return the state of a study's view: its arms, factors and metrics; bars, curves and parallel coordinates."""
    factors, metrics = study.factors[:MAX_COLUMNS], study.metrics[:MAX_COLUMNS]
    sections = [
        ("Results", 3, [_bars(metric) for metric in metrics[:MAX_BARS]]),
        ("Learning curves", 2, [_lines(metric) for metric in study.curves]),
        ("Factors and results", 1, [_parallel(factors, metrics[:MAX_BARS])] * bool(factors)),
    ]
    # a network that learns shuffled labels would stretch every axis
    conditions = [*study_conditions(setting, study.study), f"tags.role != '{CONTROL}'"]
    columns = [_column("params", name) for name in factors] + [_column("metrics", name) for name in (*metrics, "seeds")]
    order = _column("metrics", metrics[0]) if metrics else _column("params", "arm")
    return _state(conditions, columns, order, sections)


def whole_state(studies: Sequence[StudyArms], setting: str) -> dict[str, Any]:
    """Return the state of the view of all studies: the arms of stated comparisons."""
    present = {metric for study in studies for metric in study.metrics}
    metrics = [metric for metric in SUMMARY_METRICS if metric in present]
    varied = dict.fromkeys(factor for study in studies for factor in study.factors)
    factors = [name for name in SUMMARY_FACTORS if name in varied] or list(varied)[:MAX_COLUMNS]
    overview = [_bars(metric) for metric in metrics[:1]]
    overview += [_scatter(metrics[1], metrics[0])] if len(metrics) > 1 else []
    sections = [
        ("Arms of stated comparisons", 2, overview),
        ("Factors and results", 1, [_parallel(factors, metrics[:MAX_BARS])] * bool(factors)),
    ]
    conditions = study_conditions(setting)
    columns = [_column("params", name) for name in ("study", *factors)]
    columns += [_column("metrics", name) for name in (*metrics, "seeds")]
    return _state(conditions, columns, _column("params", "study"), sections)


def _state(
    conditions: Sequence[str], columns: Sequence[str], order: str, sections: Sequence[tuple[str, int, Sequence[Chart]]]
) -> dict[str, Any]:
    """Return the state of a page.

    Args:
        conditions: Conditions on the runs.
        columns: Columns of the table.
        order: The column that sorts the runs: a param upwards, a metric downwards.
        sections: Name, number of columns and charts of each section.
    """
    charts = [
        {**chart, "metricSectionId": name, "deleted": False, "isGenerated": False, "uuid": f"{name} {number}"}
        for name, _, own_charts in sections
        for number, chart in enumerate(own_charts)
    ]
    return {
        "searchFilter": " AND ".join(conditions),
        "orderByKey": order,
        "orderByAsc": order.startswith("params"),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(columns),
        "runsHiddenMode": "SHOW_ALL",
        "groupBy": None,
        "compareRunCharts": charts,
        "compareRunSections": [
            {
                "uuid": name,
                "name": name,
                "display": True,
                "isReordered": True,
                "columns": number,
                "cardHeight": HEIGHT_PX,
            }
            for name, number, own_charts in sections
            if own_charts
        ],
        "isAccordionReordered": True,
    }


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"


def _bars(metric: str) -> Chart:
    return {"type": "BAR", "metricKey": metric, "runsCountToCompare": MAX_RUNS}


def _lines(metric: str) -> Chart:
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "runsCountToCompare": MAX_RUNS,
        "xAxisKey": "step",
        "useGlobalXaxisKey": False,
        "lineSmoothness": 0,
        "useGlobalLineSmoothing": False,
        "displayName": f"{metric} by epoch",
    }


def _scatter(x: str, y: str) -> Chart:
    axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": y, "type": "METRIC"}}
    return {"type": "SCATTER", "runsCountToCompare": MAX_RUNS, **axes}


def _parallel(factors: Sequence[str], metrics: Sequence[str]) -> Chart:
    return {
        "type": "PARALLEL",
        "selectedParams": list(factors),
        "selectedMetrics": list(metrics),
        "showAllRuns": True,
        "runsCountToCompare": MAX_RUNS,
        "displayName": "Parallel coordinates",
    }
