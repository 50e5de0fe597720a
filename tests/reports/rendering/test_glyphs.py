"""Letters that the PDF cannot show."""

from pathlib import Path

import matplotlib
import pytest
from matplotlib import font_manager

from reports.rendering.blocks import Cell, Column, Facts, Figure, Heading, Table, Text
from reports.rendering.glyphs import describe_missing_glyphs

LAST_RESORT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "LastResortHE-Regular.ttf"


@pytest.fixture(autouse=True)
def system_fonts(monkeypatch):
    """The fonts of the machine: none, until a test adds some."""
    fonts = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: fonts)
    return fonts


@pytest.mark.parametrize("text", ["5 \u00b1 0.1 \u2713", "e\u0301", "\u05e9", "\u0645", "\u2764\ufe0f", "a\u200db\n"])
def test_letters_that_the_font_has_and_signs_that_are_not_shown_need_no_remark(text):
    """Accents, Hebrew, Arabic, a heart with its selector, a joiner."""
    assert describe_missing_glyphs([Heading("One"), Text(text)]) == ""


@pytest.mark.parametrize("letter", ["\u5b8c", "\u0928", "\U0001f525", "\U0001f1e9", "\ue000", "\ud55c"])
@pytest.mark.parametrize(
    "block",
    [
        lambda text: Text(text),
        lambda text: Facts((("Data", text),)),
        lambda text: Figure("<svg />", text, "Caption"),
        lambda text: Table("Caption", (Column("Arm"),), ((Cell("an arm", detail=text),),)),
    ],
    ids=["text", "facts", "figure", "cell"],
)
def test_a_letter_without_a_glyph_is_named_with_its_chapter(letter, block):
    """Chinese, Devanagari, emoji, a flag, a private letter, Korean."""
    remark = describe_missing_glyphs(
        [Heading("One"), Text("a"), Heading("Two"), Heading("Part", 3), block(f"a {letter}")]
    )
    assert f"{letter} (U+{ord(letter):04X})" in remark and remark.endswith("Affected: Two.")


def test_a_letter_that_another_font_of_the_machine_has_needs_no_remark(system_fonts, tmp_path):
    damaged = tmp_path / "damaged.ttf"
    damaged.write_bytes(b"no font")
    system_fonts += [str(damaged), str(LAST_RESORT)]  # which has a glyph for every letter
    assert describe_missing_glyphs([Heading("One"), Text("\u5b8c")]) == ""
