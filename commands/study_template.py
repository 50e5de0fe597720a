"""The text of a first study, over the factors of a network or over AlexNet's."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.components.networks import Factor
from bench.data.datasets import SIDE_PX
from bench.spec.errors import InputError

WIDTH = 88  # letters of a line in ruff's default format
DESIGNS = ("full-factorial", "half-fraction", "leave-one-out", "add-one-in")
MAX_FULL = 4  # switches of a full factorial; half of one has as many arms with one switch more
NAMES = ("STUDY", "SWITCHES", "Study", "Switch", "designs", "network")  # of the template
TEMPLATE = '''\
"""Which parts of {title} earn their place?"""

{imports}
# Each switch becomes a claim: "{claim}".
# `on` holds the levels with the part in place, `off` those without it.
SWITCHES = {{
{switches}}}

STUDY = Study(
    question="Which parts of {title} raise test accuracy?",
    # Levels that all arms share; "epochs": 2.0 doubles the profile's.
    base={base},
{seeds}    # The margin is the smallest gain that matters, in points. Fix it before you run.
    # Other designs: {other_designs}.
    **designs.{design}(SWITCHES, margin=0.5),
)
'''
SEEDS = '    seeds={"quick": 3, "standard": 3},  # each arm counts in every claim, so few will do\n'


class NetworkFunction(NamedTuple):
    """A function or class that makes a network.

    Attributes:
        module: Dotted name of its module.
        name: Its name there.
        is_beside: Whether the module lies beside the study file.
        network: Name of the network, as a level.
        factors: Factors of the network.
        size: Side of the input, pixels; None if its module declares the network.
    """

    module: str
    name: str
    is_beside: bool
    network: str
    factors: Mapping[str, Factor]
    size: int | None


class SwitchLine(NamedTuple):
    """A switch in the text: its name, the levels of both settings, and a remark on further levels."""

    name: str
    on: dict[str, Any]
    off: dict[str, Any]
    remark: str = ""
    is_comment: bool = False


ALEXNET_SWITCHES = (
    SwitchLine("fc7", {}, {"without": ("fc7",)}),
    SwitchLine("dropout", {"dropout": 0.5}, {"dropout": 0.0}),
    SwitchLine("augmentation", {"augmentation": "both"}, {"augmentation": "none"}),
)


def render_study(function: NetworkFunction | None, design: str) -> str:
    """Return the text of a study of a network, or of AlexNet.

    Args:
        function: The network's function; None for AlexNet.
        design: One of `DESIGNS`; empty for the one that suits the number of switches.

    Raises:
        InputError: No factor of the network can be switched.
    """
    lines = [_make_line(*item) for item in function.factors.items()] if function else list(ALEXNET_SWITCHES)
    names = [line.name for line in lines if not line.is_comment]
    if function and not names:
        advice = 'annotate a parameter as bool or Literal["a", "b"], or give it the default True or False'
        raise InputError(f"network {function.network!r} has no factor with two levels: {advice}")
    design = design or _choose_design(len(names))
    most_with_few_arms = {"full-factorial": MAX_FULL - 1, "half-fraction": MAX_FULL}.get(design, len(names))
    return TEMPLATE.format(
        title=function.network if function else "AlexNet",
        imports=_write_imports(function) if function else "from ablations import Study, Switch, designs\n",
        claim=f"{names[0][:1].upper()}{names[0][1:]} raises test accuracy",
        switches="".join(map(_write_line, lines)),
        base=f'{{"network": {_literal(function.network)}}}' if function else "{}",
        seeds=SEEDS * (len(names) > most_with_few_arms),
        other_designs=", ".join(name.replace("-", "_") for name in DESIGNS if name != design),
        design=design.replace("-", "_"),
    )


def _choose_design(switches: int) -> str:
    if 2 <= switches <= MAX_FULL:
        return "full-factorial"
    return "half-fraction" if switches == MAX_FULL + 1 else "leave-one-out"


def _write_imports(function: NetworkFunction) -> str:
    """Write the imports as ruff sorts them, and the declaration of the network unless its module has it."""
    ours, module = "from ablations import Study, Switch, designs", function.module
    if function.size is None:
        theirs, statement = f"import {module}  # noqa: F401", f"# {module} declares the network.\n"
    else:
        alias = f"make_{function.name}" if function.name in NAMES else function.name
        ours, theirs = (
            f"{ours}, network",
            f"from {module} import {function.name}" + f" as {alias}" * (alias != function.name),
        )
        square = f", square_px={max(256, function.size)}" * (function.size > SIDE_PX)
        statement = f"network({_literal(function.network)}, size={function.size}{square})({alias})\n"
    imports = [ours, "", theirs]
    if not function.is_beside:  # both are installed packages; plain imports come first
        imports = sorted([ours, theirs], key=lambda line: (line.startswith("from"), line))
    return "\n".join([*imports, "", statement])


def _make_line(factor: str, declared: Factor) -> SwitchLine:
    """Return the switch of a factor; of one with any level, a comment."""
    default, words = declared.default, factor.replace("_", " ")
    if declared.levels and isinstance(default, bool):
        return SwitchLine(words, {factor: True}, {factor: False})
    name, on = f"{default} {words}", {factor: default}
    if other_levels := [level for level in declared.levels if level != default]:
        remark = " ".join(f"or {_literal(level)}" for level in other_levels[1:])
        return SwitchLine(name, on, {factor: other_levels[0]}, remark)
    example = "another" if isinstance(default, str) else 2 * default or 1
    return SwitchLine(name, on, {factor: example}, "for a switch choose two levels", is_comment=True)


def _write_line(line: SwitchLine) -> str:
    on, off = (
        f"{{{', '.join(f'{_literal(factor)}: {_literal(level)}' for factor, level in levels.items())}}}"
        for levels in (line.on, line.off)
    )
    text = f"    {_literal(line.name)}: Switch(on={on}, off={off}),"
    if line.is_comment:
        return f"    # {text.strip()}  # {line.remark}\n"
    if len(text) > WIDTH:
        text = f"    {_literal(line.name)}: Switch(\n        on={on},\n        off={off},\n    ),"
    return f"{text}{f'  # {line.remark}' * bool(line.remark)}\n"


def _literal(value: Any) -> str:
    """Write a value as ruff does: text in double quotes unless it holds some."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' * (len(value) == 1)})"
    is_plain = isinstance(value, str) and value.isprintable() and not set('"\\\\') & set(value)
    return f'"{value}"' if is_plain else repr(value)
