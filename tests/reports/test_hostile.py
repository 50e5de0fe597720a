"""Names made of markup, code and paths are text in every file, and nothing else."""

from __future__ import annotations

import dataclasses
import io
import re

import fabricate
import pypdf
import pytest
from block_texts import alternative_texts, shown_texts, without_spaces
from bs4 import BeautifulSoup

from ablations import Ask, Claim, Contrast, Published, Requires, Study
from bench.extensions.component import Component
from bench.spec.config import ModelConfig
from bench.spec.jobs import Timing
from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import Cell, ClaimLine, Column, Contents, Heading, Table, Text, Verdicts
from reports.rendering.html import render_html
from reports.rendering.pdf import render_pdf
from reports.report import write_report

RIGHT_TO_LEFT = "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\N{HEBREW LETTER VAV}"
LONG = "pneumono" * 40
ALIKE = "<b>&</b>", "b & b"  # the same letters
NAMES = (
    "<script>alert(1)</script>",
    '#eval("1+1") #panic() @cite <label>',
    "$x^2$ \\frac{1} $unclosed_{",
    "../../etc/passwd",
    "\"quoted\" 'single' `code` \\n \\1 \\g<0>",
    "two\nlines",
    "_hidden: --> <!-- ]]> &amp; {{ 7 * 7 }} {% raw %}",
    "signs that act: \x1b[31m, \x00 and \r",
    "emoji \N{GRINNING FACE}\N{FIRE}",
    f"{RIGHT_TO_LEFT} \N{RIGHT-TO-LEFT OVERRIDE}evil",
    LONG,
    *ALIKE,
)
DATA = dataclasses.replace(fabricate.DATA, name=" ".join(NAMES))


def hostile(name: str) -> Study:
    """Make a study in which every name, sentence and source is hostile."""
    first, second = NAMES[:2]
    return Study(
        question=f"Is {name} so?",
        name=name,
        arms={
            arm: {"activation": "tanh" if arm == second else "sigmoid"} if number % 2 else {}
            for number, arm in enumerate(NAMES)
        },
        counts={name: ModelConfig()},
        timings=lambda setting: (Timing("steps", tuple((arm, ModelConfig()) for arm in NAMES), (128,), 5),),
        probes=(Ask(name, (first,)),),
        claims=tuple(
            Claim(
                arm,
                f"{arm} is better",
                (Contrast("test/accuracy", first, second, 1.0), Contrast("test/accuracy", arm, second, 1.0)),
                setting=arm[:200],
                requires=(Requires("train/accuracy", arm, 99.9, advice=arm[:200]),),
                beyond={arm[:200]: Contrast("test/accuracy", second, arm, 1.0)},
                published=(Published(arm, arm),),
                caveat=arm,
            )
            for arm in NAMES
            if arm != second
        ),
        caveats=NAMES,
        components=(Component("loss", "own", "0" * 16, "\n".join(NAMES)),),
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out, studies = tmp_path_factory.mktemp("out") / "out", [hostile(NAMES[0]), hostile(NAMES[3])]
    setting = fabricate.setting(seeds=2)._replace(data=DATA)
    fabricate.write(out, studies, setting, lost_trials=[(arm, 1) for arm in NAMES[2:4]])
    changed_environment = {"device_name": NAMES[1], "commit": NAMES[2]}

    def change(record):
        environment = fabricate.ENVIRONMENT | (changed_environment if record["job"].get("seed") == 0 else {})
        data = {"data": record["data"] | {"note": NAMES[0]}} if "data" in record else {}
        return {"environment": environment, **data}

    fabricate.amend(out, change)
    write_report(out, studies, setting)
    return out, build_document(gather(out, studies, setting))


@pytest.fixture(scope="module")
def soup(out):
    return BeautifulSoup((out[0] / "reports" / "report.html").read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def pages(out):
    return pypdf.PdfReader(io.BytesIO((out[0] / "reports" / "report.pdf").read_bytes()))


@pytest.fixture(scope="module")
def pdf_text(pages):
    return "".join(page.extract_text() for page in pages.pages)


def test_no_file_is_written_but_the_four(out):
    assert sorted(path.name for path in (out[0] / "reports").iterdir()) == [
        "report.html",
        "report.json",
        "report.pdf",
        "trials.csv",
    ]
    assert sorted(path.name for path in out[0].parent.iterdir()) == ["out"]


def test_every_name_is_in_the_html_as_it_is(out, soup):
    page_text = without_spaces(soup.body.get_text())
    assert [shown for shown in shown_texts(out[1]) if without_spaces(shown) not in page_text] == []
    assert [svg["aria-label"] for svg in soup.select("figure svg[aria-label]")] == alternative_texts(out[1])


def test_no_name_reverses_the_direction_of_later_text(soup, pdf_text):
    for text in (soup.get_text(), pdf_text):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", text)
        assert "\\u202eevil" in text and "\\x1b[31m" in text


def test_no_name_makes_an_element_or_an_attribute(soup):
    plain = {"html", "head", "meta", "title", "style", "body", "main", "script", "div", "p", "span", "a", "nav", "ol"}
    plain |= {"li", "ul", "h1", "h2", "h3", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th"}
    plain |= {
        "td",
        "pre",
        "code",
        "small",
        "strong",
        "figure",
        "figcaption",
        "svg",
        "g",
        "path",
        "defs",
        "use",
        "clippath",
        "rect",
        "text",
    }
    assert {tag.name for tag in soup.find_all(True)} <= plain
    assert len(soup.find_all("script")) == 1
    assert not [name for tag in soup.find_all(True) for name in tag.attrs if name.startswith("on")]


def test_every_id_is_unique_and_every_link_has_a_target(soup):
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert all(re.fullmatch(r"[\w-]+", identifier) for identifier in ids)
    assert len(ids) == len(set(ids))
    links = [tag[name] for name in ("href", "xlink:href") for tag in soup.find_all(attrs={name: True})]
    links += re.findall(r"url\(([^)]*)\)", "".join(map(str, soup.find_all("svg"))))
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_a_claim_in_brief_leads_to_the_claim_of_that_study_and_name(soup):
    links = soup.select(".verdicts a.name")
    assert len(links) == 2 * (len(NAMES) - 1) == len({link["href"] for link in links})
    for link in links:
        assert soup.find(id=link["href"][1:]).select_one(".name").text == link.text


def test_every_name_is_in_the_pdf_as_it_is(out, pdf_text):
    """Right-to-left letters are tested singly, because a PDF holds them in visual order."""
    page_text = without_spaces(pdf_text)
    ltr = [shown for shown in shown_texts(out[1]) if not set(RIGHT_TO_LEFT) & set(shown)]
    numbered = re.compile(r"\d+/\d+")
    assert [shown for shown in ltr if numbered.sub("", without_spaces(shown)) not in numbered.sub("", page_text)] == []
    assert set(RIGHT_TO_LEFT) <= set(page_text)


def test_nothing_leaves_a_page_of_the_pdf(pages):
    for page in pages.pages:
        ends = []
        page.extract_text(
            visitor_text=lambda text, cm, tm, font, size, ends=ends: ends.append(cm[4] + tm[4]) if text.strip() else 0
        )
        assert max(ends) < page.mediabox.width - 40


def test_the_pdf_has_no_action_and_no_link_that_leaves_it(pages):
    for page in pages.pages:
        for note in page.get("/Annots") or []:
            action = note.get_object().get("/A", {})
            assert action.get("/S", "/GoTo") == "/GoTo"
    assert not {"/OpenAction", "/AA"} & pages.trailer["/Root"].keys()


def test_names_without_letters_have_anchors_too():
    heads = [Contents("Contents"), Heading("<>"), Heading("&&"), Heading("a-2"), Heading("a"), Heading("A!")]
    lines = (
        ClaimLine("supported", "?", "One", ()),
        ClaimLine("refuted", "!", "Two", ()),
        ClaimLine("refuted", "?", "Three", ()),
    )
    soup = BeautifulSoup(render_html([*heads, Verdicts(lines)], "A report"), "html.parser")
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids)) == 8
    assert [link["href"][1:] for link in soup.find_all("a")] == ids


def test_a_name_that_is_long_leaves_the_numbers_beside_it_readable():
    table = Table("Wide", (Column("Arm", numeric=False), Column(LONG)), ((Cell(LONG), Cell("1.0")),))
    (page,) = pypdf.PdfReader(io.BytesIO(render_pdf([table, Text(LONG)], "A report", 0))).pages
    assert page.mediabox.width < page.mediabox.height
    assert without_spaces(page.extract_text()).count(LONG) == 3
