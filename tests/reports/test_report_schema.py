"""The published JSON Schema of report.json: it is what the types give, and real files meet it."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reports.report_schema import make_schema

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def schema():
    return json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published():
    return json.loads((DOCS / "findings" / "report.json").read_text(encoding="utf-8"))


def find_objects(value, kind):
    """Yield a JSON value and all values inside it that are of a type."""
    if isinstance(value, kind):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from find_objects(item, kind)


def test_the_published_schema_is_that_of_the_types(schema):
    advice = "renew it by `python -m reports.report_schema > docs/report.schema.json`"
    assert schema == make_schema(), advice


def test_every_field_is_described_and_no_object_has_further_fields(schema):
    Draft202012Validator.check_schema(schema)
    objects = [schema, *schema["$defs"].values()]
    for item in objects:
        assert item["additionalProperties"] is False and item["description"]
        for name, field in item["properties"].items():
            assert field.get("description", "").endswith("."), (item["title"], name)


def test_reports_meet_the_schema(schema, published, smoke):
    validator = Draft202012Validator(schema)
    validator.validate(json.loads((smoke.out / "reports" / "report.json").read_text(encoding="utf-8")))
    validator.validate(published)


def test_a_field_that_the_schema_lacks_is_an_error_wherever_it_is(schema, published):
    """Of all objects but the maps of terms and of differing fields, whose names are free."""
    validator = Draft202012Validator(schema)
    component = {"study": "own", "kind": "loss", "name": "mine", "digest": "0" * 16, "trials": 3}
    published = published | {"components": [component]}
    declared = [set(item["properties"]) for item in [schema, *schema["$defs"].values()]]
    one_of_each = {}
    for item in find_objects(published, dict):
        if set(item) in declared:
            one_of_each.setdefault(frozenset(item), item)
    assert len(one_of_each) == len(declared)
    for item in one_of_each.values():
        item["undeclared"] = 1
        assert not validator.is_valid(published)
        del item["undeclared"]
    assert validator.is_valid(published)
