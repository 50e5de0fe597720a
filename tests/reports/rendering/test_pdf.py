"""Rendering of blocks as PDF."""

from __future__ import annotations

import io

import fabricate
import pypdf
import pytest
import typst
from block_texts import alternative_texts, shown_texts, without_spaces
from fontTools.ttLib import TTFont

from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import (
    Answer,
    Answers,
    Cell,
    ClaimLine,
    Column,
    Contents,
    Figure,
    Heading,
    Items,
    Note,
    Table,
    Text,
    Verdicts,
)
from reports.rendering.pdf import FONTS, render_pdf

HOSTILE = '<script> & "quoted" #set page(width: 1pt) $x^2$ \\ _a_ *b* `c` @d [e] // f'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt"><rect width="9" height="9"/></svg>'


def reader(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def text(content: bytes) -> str:
    """The text of all pages without their numbers."""
    pages = [without_spaces(page.extract_text()) for page in reader(content).pages]
    return "".join(page.removesuffix(f"{number}/{len(pages)}") for number, page in enumerate(pages, 1))


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    out, studies = tmp_path_factory.mktemp("out"), [fabricate.activations(), fabricate.sizes()]
    fabricate.write(out, studies, fabricate.setting(), lost_trials=[("sigmoid", 1)])
    return build_document(gather(out, studies, fabricate.setting()))


@pytest.fixture(scope="module")
def content(blocks):
    return render_pdf(blocks, "A report", 1_790_000_000)


def test_every_sentence_and_cell_of_the_page_is_in_the_text(blocks, content):
    page_text = text(content)
    assert [shown for shown in shown_texts(blocks) if without_spaces(shown) not in page_text] == []


def test_the_same_blocks_and_timestamp_give_the_same_bytes(blocks, content):
    assert render_pdf(blocks, "A report", 1_790_000_000) == content


def test_every_page_has_its_number(content):
    pages = reader(content).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert without_spaces(page.extract_text()).endswith(f"{number}/{len(pages)}")


def test_names_are_text_and_never_markup():
    table = Table(HOSTILE, (Column(HOSTILE, numeric=False),), ((Cell(HOSTILE, HOSTILE),),), HOSTILE)
    claims = Verdicts((ClaimLine("supported", HOSTILE, HOSTILE, (((HOSTILE, HOSTILE),),), ((HOSTILE, HOSTILE),)),))
    answers = Answers((Answer(HOSTILE, "supported", HOSTILE, HOSTILE),), ((HOSTILE, HOSTILE),))
    hostile = [
        answers,
        Contents(HOSTILE),
        Heading(HOSTILE),
        Text(HOSTILE),
        Items((HOSTILE,)),
        Note(HOSTILE, HOSTILE),
        table,
        claims,
    ]
    content = render_pdf([*hostile, Figure(SVG, HOSTILE, HOSTILE)], HOSTILE, 0)
    assert text(content).count(without_spaces(HOSTILE)) == 23
    assert reader(content).metadata.title == HOSTILE


def test_every_answer_leads_to_its_chapter():
    answers = tuple(Answer(f"Topic {n}", "supported", "A sentence", f"Chapter {n}") for n in range(3))
    blocks = [Answers(answers), *(Heading(answer.chapter) for answer in answers)]
    links = [note for page in reader(render_pdf(blocks, "A report", 0)).pages for note in page.get("/Annots") or []]
    assert len(links) == 3


def test_figures_are_vectors_with_alternative_text(blocks, content):
    assert all(not page.images for page in reader(content).pages)
    alternatives = {node.get("/Alt") for node in _structure(reader(content).trailer["/Root"]["/StructTreeRoot"])}
    assert set(alternative_texts(blocks)) <= alternatives


def test_long_tables_repeat_their_heads_on_every_page():
    rows = tuple((Cell(f"row {number}"), Cell("1")) for number in range(150))
    table = Table("A long table", (Column("Recurring", numeric=False), Column("Number")), rows)
    pages = reader(render_pdf([table], "A report", 0)).pages
    assert len(pages) > 1
    assert all("Recurring" in page.extract_text() for page in pages)


@pytest.mark.parametrize(("columns", "turned"), [(5, False), (14, True), (40, True)])
def test_a_table_too_wide_for_the_page_turns_it_and_nothing_is_cut_off(columns, turned):
    numbers = tuple(Cell(f"{number},234.5 ± 6.78") for number in range(columns))
    heads = (Column("Arm", numeric=False), *(Column(f"Metric {number}") for number in range(columns)))
    page = reader(render_pdf([Table("Wide", heads, ((Cell("an arm"), *numbers),))], "A report", 0)).pages[-1]
    assert (page.mediabox.width > page.mediabox.height) == turned
    ends = []
    page.extract_text(
        visitor_text=lambda text, cm, tm, font, size: ends.append(cm[4] + tm[4]) if text.strip() else None
    )
    assert max(ends) < page.mediabox.width - 40


def _structure(node):
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            yield from _structure(child)
    elif isinstance(node, dict):
        yield node
        if "/K" in node:
            yield from _structure(node["/K"])


def test_a_letter_that_our_fonts_lack_is_taken_from_a_users_font_before_the_font_of_boxes(tmp_path, monkeypatch):
    with TTFont(FONTS / "DejaVuSerif.ttf") as font:
        for table in font["cmap"].tables:
            table.cmap = {0x5B8C: "A"}
        for name in font["name"].names:
            name.string = "Users Own"
        font.save(tmp_path / "own.ttf")
    fonts = typst.Fonts(font_paths=[FONTS, tmp_path])
    monkeypatch.setattr(typst, "Fonts", lambda font_paths: fonts)
    (page,) = reader(render_pdf([Text("\u5b8c")], "A report", 0)).pages
    names = [font.get_object()["/BaseFont"] for font in page["/Resources"]["/Font"].values()]
    assert names and not any("LastResort" in name for name in names)
