"""The events of `ablate run --json` as docs/scripting.md documents them."""

import re
from pathlib import Path

PAGE = (Path(__file__).parent.parent.parent / "docs" / "scripting.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (all.*?|`.*?) \| (.*) \|$", PAGE.partition("## Events")[2].partition("\n## ")[0], re.MULTILINE)
COMMON = {field for name, cell in ROWS if name.startswith("all") for field in re.findall(r"`(\w+)`", cell)}
FIELDS = {event: set(re.findall(r"`(\w+)`", cell)) for name, cell in ROWS for event in re.findall(r"`(\w+)`", name)}


def assert_documented(events):
    """Every event has the fields of its row in the table, and no others but those of all events."""
    for event in events:
        own_fields = FIELDS[event["event"]]
        assert own_fields <= event.keys() <= own_fields | COMMON, event
        assert event["version"] == 1 and event["time"] > 1.7e9


def example():
    """The Python example of the page."""
    return re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
