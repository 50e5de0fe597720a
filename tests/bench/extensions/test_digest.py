from hypothesis import given
from hypothesis import strategies as st

from bench.extensions.digest import define
from bench.extensions.study_code import BesideModule, StudyCode


def source_of(text, line_text, modules=()):
    """The definition of what the line with this text declares."""
    line = next(number for number, line in enumerate(text.splitlines(), 1) if line_text in line)
    return define(StudyCode("/study.py", text, tuple(modules)), line)


def test_names_are_followed_through_functions_constants_and_conditional_imports():
    text = """
try:
    import fast as kernel
except ImportError:
    kernel = None
if kernel is None:
    LIMIT = 1
else:
    LIMIT = 2
OTHER = 3
def inner(x):
    return min(x, LIMIT)
def unused(x):
    return OTHER
@mark
def outer(x):
    return inner(x)
"""
    source = source_of(text, "@mark").source
    assert "try:" in source and "LIMIT = 2" in source and "def inner" in source and "def outer" in source
    assert "OTHER" not in source


def test_a_call_that_may_change_a_used_name_counts():
    text = """
TABLE = {}
def fill():
    TABLE["a"] = 1
def log():
    print("hello")
fill()
log()
@mark
def outer(x):
    return TABLE[x]
"""
    source = source_of(text, "@mark").source
    assert "fill()" in source and "def fill" in source
    assert "log" not in source


def test_names_of_a_star_import_may_be_used():
    text = "from helper import *\nX = 1\n@mark\ndef outer(x):\n    return scale(x)\n"
    helper = BesideModule("helper", "/helper.py", "def scale(x):\n    return 2 * x\n")
    definition = source_of(text, "@mark", [helper])
    assert "return 2 * x" in definition.source and "X = 1" not in definition.source
    changed = BesideModule("helper", "/helper.py", "def scale(x):\n    return 3 * x\n")
    assert source_of(text, "@mark", [changed]).digest != definition.digest


def test_modules_are_followed_through_packages_and_relative_imports():
    text = "from models.blocks import Block\n@mark\ndef outer():\n    return Block()\n"
    modules = [
        BesideModule("models", "/models/__init__.py", ""),
        BesideModule("models.blocks", "/models/blocks.py", "from .parts import Part\nBlock = Part\n"),
        BesideModule("models.parts", "/models/parts.py", "class Part: ...\n"),
        BesideModule("models.unused", "/models/unused.py", "1\n"),
    ]
    source = source_of(text, "@mark", modules).source
    assert "class Part" in source and "models.unused" not in source


@given(st.lists(st.sampled_from(["", "# a comment", "   ", "# @mark"]), max_size=5))
def test_comments_and_blank_lines_between_statements_leave_a_digest_alone(lines):
    statements = ["A = 1", "@ mark", "def outer(x):\n    return A * x"]
    plain, commented = "\n".join(statements), "\n".join(["A = 1", *lines, "@ mark", "def outer(x):\n    return A * x"])
    assert source_of(commented, "@ mark").digest == source_of(plain, "@ mark").digest


def test_literals_of_different_types_differ():
    digests = {source_of(f"@mark\ndef f():\n    return {x}\n", "@mark").digest for x in ("1", "1.0", "True", "'1'")}
    assert len(digests) == 4


def test_digests_are_the_same_on_all_machines_and_versions_of_python():
    text = "import math\n@mark(gain=math.sqrt(2))\ndef f(x: int = 1, *rest, **more) -> str:\n    return f'{x!r:>{3}}'\n"
    assert source_of(text, "@mark").digest == "00690dbd2082513f"  # of Python 3.11
