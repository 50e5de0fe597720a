import pytest
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


REGISTER = "T = {}\ndef register(f):\n    T[f.__name__] = f\n"
HOOKED = "class Base:\n    def __init_subclass__(cls):\n        T.append(cls)\nT = []\n"
CHANGES = {  # what `outer` returns, and statements before it, with a number that changes it
    "a global of a function": ("X", "def setup():\n    global X\n    X = {}\nsetup()\n"),
    "a name from text": ("X", "globals()['X'] = {}\n"),
    "a value by a name from text": ("eval('X')", "X = {}\n"),
    "a library under another name": ("nn.ReLU()", "import torch\nfrom torch import nn\ntorch.nn.ReLU.slope = {}\n"),
    "a setting of a library": ("nn.ReLU()", "import torch\nfrom torch import nn\ndef f():\n    torch.set({})\nf()\n"),
    "a decorator": ("T['a']", REGISTER + "@register\ndef a():\n    return {}\n"),
    "a subclass": ("T[0]()", HOOKED + "class A(Base):\n    x = {}\n"),
    "a metaclass": ("M.T", "class M(type):\n    pass\nclass A(metaclass=M):\n    x = {}\n"),
    "a call in a class": ("T", "T = []\nclass A:\n    T.append({})\n"),
    "a captured name": ("X", "match [0, {}]:\n    case [0, *X]:\n        pass\n"),
    "a walrus": ("X", "Y = [X := {}]\n"),
}


@pytest.mark.parametrize(("returned", "before"), CHANGES.values(), ids=CHANGES)
def test_what_changes_a_component_from_afar_counts(returned, before):
    definitions = {
        source_of(f"{before.replace('{}', number)}@mark\ndef outer(): return {returned}\n", "@mark").digest
        for number in "12"
    }
    assert len(definitions) == 2


UNUSED = {
    "another component": "S = 1\n@mark('a', size=S)\ndef outer(): return S\n@mark('b', size=S)\ndef b(): return {}\n",
    "a study": "T = {1: 2}\n@mark('a')\ndef outer(): return T\nSTUDY = Study({str(x): {} for x in T.keys()})\n",
    "the main guard": "@mark('a')\ndef outer(): return 1\nif __name__ == '__main__':\n    print(outer(), {})\n",
    "another subclass": "class A:\n    pass\nclass B(A):\n    x = {}\n@mark('a')\ndef outer(): return A\n",
}


@pytest.mark.parametrize("text", UNUSED.values(), ids=UNUSED)
def test_what_a_component_does_not_use_changes_nothing(text):
    text = "from ablations import mark, Study\n" + text
    assert len({source_of(text.replace("{}", number), "@mark('a'").digest for number in "12"}) == 1


def test_a_module_that_is_imported_for_what_it_does_counts():
    text = "import setup_blocks\nfrom blocks import T\n@mark\ndef outer(): return T\n"
    blocks = BesideModule("blocks", "/blocks.py", "T = {}\n")
    setups = [BesideModule("setup_blocks", "/setup_blocks.py", f"from blocks import T\nT[1] = {x}\n") for x in "12"]
    assert len({source_of(text, "@mark", [blocks, setup]).digest for setup in setups}) == 2


def test_imports_of_one_name_keep_their_order():
    lines = ["from a import X", "from b import X"]
    texts = ["\n".join([*order, "@mark", "def outer(): return X"]) for order in (lines, lines[::-1])]
    assert len({source_of(text, "@mark").digest for text in texts}) == 2


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
