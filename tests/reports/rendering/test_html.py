"""Rendering of blocks as HTML."""

from __future__ import annotations

import re

import fabricate
import pytest
from block_texts import alternative_texts, shown_texts, without_spaces
from bs4 import BeautifulSoup

from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import (
    Answer,
    Answers,
    Cell,
    ClaimLine,
    Column,
    Figure,
    Heading,
    Note,
    Table,
    Text,
    Verdicts,
)
from reports.rendering.claims_plot import ClaimRow, draw_claims
from reports.rendering.html import THEME, render_html
from reports.rendering.plot_style import BAND, COLOURS, EDGE, VERDICT_STYLES
from reports.statistics.claim_verdicts import VERDICTS

HOSTILE = "<script>alert('x')</script> & \"quoted\" {{ 7 * 7 }} #set $x$ \\ _a_"


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    out, studies = tmp_path_factory.mktemp("out"), [fabricate.activations(), fabricate.sizes()]
    fabricate.write(out, studies, fabricate.setting(), lost_trials=[("sigmoid", 1)])
    return build_document(gather(out, studies, fabricate.setting()))


@pytest.fixture(scope="module")
def text(blocks):
    return render_html(blocks, "A report")


@pytest.fixture(scope="module")
def soup(text):
    return BeautifulSoup(text, "html.parser")


def test_every_sentence_and_cell_of_the_page_is_in_the_text(blocks, soup):
    page_text = without_spaces(soup.body.get_text())
    assert [text for text in shown_texts(blocks) if without_spaces(text) not in page_text] == []


def test_names_are_text_and_never_markup():
    table = Table(HOSTILE, (Column(HOSTILE),), ((Cell(HOSTILE, HOSTILE),),), HOSTILE)
    claims = Verdicts((ClaimLine("supported", HOSTILE, HOSTILE, (((HOSTILE, HOSTILE),),), ((HOSTILE, HOSTILE),)),))
    hostile = [
        Answers((Answer(HOSTILE, "supported", HOSTILE, HOSTILE),), ((HOSTILE, HOSTILE),)),
        Heading(HOSTILE),
        Text(HOSTILE),
        Note(HOSTILE, HOSTILE),
        table,
        claims,
        Figure("<svg />", HOSTILE, HOSTILE),
    ]
    soup = BeautifulSoup(render_html(hostile, HOSTILE), "html.parser")
    assert len(soup.find_all("script")) == 1
    assert soup.title.text == HOSTILE
    assert soup.svg["aria-label"] == HOSTILE
    assert {cell.contents[0] for cell in soup.find_all("th")} == {HOSTILE}


def test_the_page_loads_nothing_from_elsewhere(text, soup):
    fetching = ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "background")
    links = [tag[name] for tag in soup.find_all(True) for name in fetching if tag.has_attr(name)]
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)|fetch\(|XMLHttpRequest", text)
    assert not soup.find_all(["link", "iframe", "object", "embed", "image"])


def test_every_figure_has_its_alternative_text(blocks, soup):
    figures = soup.select("figure svg[aria-label]")
    assert [figure["aria-label"] for figure in figures] == alternative_texts(blocks)
    assert len(figures) == 4


def test_every_claim_of_the_figure_leads_to_its_own_card_whatever_its_name():
    names = (HOSTILE, "it's", '"quoted"', "two\nlines", "of two studies", "of two studies")
    figure = draw_claims([ClaimRow(name, "A claim", "supported", "+1", 1.0) for name in names], "claims")
    cards = [Verdicts((ClaimLine("supported", name, "A claim", ()),)) for name in names]
    soup = BeautifulSoup(render_html([Figure(*figure, "All claims"), *cards], "A report"), "html.parser")
    assert [link.get("href") for link in soup.svg.find_all("a")] == [f"#{card['id']}" for card in soup.select("li[id]")]


def test_a_name_in_an_answer_leads_to_the_card_of_that_claim_unless_two_have_the_name():
    answer = Answer("Topic", "supported", "A sentence.", "A chapter", (("one", "refuted"), ("two", "refuted")))
    cards = [Verdicts((ClaimLine("refuted", name, "A claim", ()),)) for name in ("two", "one", "two")]
    page = render_html([Answers((answer,)), Heading("A chapter"), *cards], "A report")
    links = [(link.text, link["href"]) for link in BeautifulSoup(page, "html.parser").select(".other a")]
    assert links == [("one", "#claim-2-one")]


def test_the_colours_of_verdicts_the_baseline_and_the_frame_follow_light_and_dark():
    drawn = {COLOURS[0], BAND, EDGE, *(style.ink for style in VERDICT_STYLES.values())}
    assert drawn <= set(THEME)


def test_ids_are_unique_and_every_link_has_a_target(soup):
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = {
        tag[name].removeprefix("#") for name in ("href", "xlink:href") for tag in soup.find_all(attrs={name: True})
    }
    assert links <= set(ids)


def test_a_verdict_wears_its_word_beside_its_colour(soup):
    for badge in soup.select(".badge"):
        symbol, word = badge.span.text, badge.get_text().replace(badge.span.text, "", 1).strip()
        assert symbol
        assert word in VERDICTS


def test_wide_tables_scroll_in_a_group_that_the_keyboard_reaches(soup):
    groups = soup.select("div.scroll[role=group][tabindex='0']:has(table)")
    assert [group["aria-label"] for group in groups] == [table.caption.text.strip() for table in soup.find_all("table")]


def test_sums_stay_outside_the_rows_that_are_sorted(soup):
    table = next(table for table in soup.find_all("table") if table.caption.text.startswith("sizes, wide"))
    assert [row.th.text for row in table.tfoot.find_all("tr")] == ["all convolutions", "all layers"]


def test_the_same_blocks_give_the_same_bytes(blocks, text):
    assert render_html(blocks, "A report") == text
