import json

import handmade

from reports.verdict_json import judgement_to_json


def test_a_claim_is_stored_with_stated_parts_preconditions_and_checks():
    stored = json.loads(json.dumps(judgement_to_json(handmade.judgement(checks=(handmade.check(differs=True),)))))
    assert (stored["kind"], stored["setting"]) == ("claim", "AlexNet scaled to the data")
    assert [part["part"]["metric"] for part in stored["stated"]] == ["test/accuracy", "gap/accuracy"]
    assert stored["requirements"][0] == {
        "metric": "train/accuracy",
        "arm": "none",
        "at_least": 95,
        "at_most": None,
        "advice": "more epochs or a wider network",
        "value": 99.2,
        "is_met": True,
    }
    (check,) = stored["checks"]
    assert (check["name"], check["verdict"], check["differs"]) == ("twice the epochs", "supported", True)
    assert check["interaction"] == {"estimate": 2.5, "interval": [0.5, 4.5], "p_holm": 0.004}
    assert (check["estimate"], check["unit"], check["pairs"]) == (5.5, "points", 3)


def test_a_check_that_cannot_be_compared_has_no_interaction():
    stored = judgement_to_json(handmade.judgement(checks=(handmade.check(interaction=None),)))
    assert stored["checks"][0]["interaction"] is None
