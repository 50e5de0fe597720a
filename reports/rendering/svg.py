"""Export of figures as compact SVG: the same figure gives the same bytes."""

import hashlib
import html
import io
import json
import re

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

TAG = re.compile(r"<[^>]*>")  # texts stand between tags, and stay as they are
ID = re.compile(r""" id=("[^"]+"|'[^']+')""")
REFERENCE = re.compile(r'(url\(| href=")#([^")]+)')
FAMILY = '"DejaVu Sans", Verdana, sans-serif'  # Verdana has nearly the same widths where DejaVu Sans is missing


def set_data(artist: Artist, **data: int | str) -> None:
    """Give an artist's SVG element data attributes, which the page's script reads: `arm=2` becomes data-arm="2"."""
    artist.set_gid(json.dumps(data))


def export_svg(figure: Figure, name: str) -> str:
    """Export the figure as an SVG element whose ids are unique to `name`, so that one page can hold several.

    Lettering is text, so that a browser takes its own fonts for letters that DejaVu Sans lacks. Whatever shows nothing
    is removed: metadata, unused ids, groups without a purpose, decimals beyond a hundredth of a point.
    """
    file, prefix = io.StringIO(), f"f{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    with mpl.rc_context({"svg.hashsalt": prefix}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(rf"\s*({TAG.pattern})\s*", lambda match: _compact_tag(match[1]), text)
    found = (REFERENCE.findall(ID.sub("", tag)) for tag in TAG.findall(text))
    references = dict.fromkeys(reference for in_tag in found for _, reference in in_tag)
    ids = {reference: f"{prefix}-{number}" for number, reference in enumerate(references)}
    text = TAG.sub(lambda match: _rename_ids(match[0], ids), text)
    text = re.sub(r"<g([^>]*)>((?:<use [^>]*/>){2,})</g>", _share_style, text)
    return _drop_bare_groups(text).replace("<svg ", f"<svg font-family='{FAMILY}' ", 1)


def _compact_tag(tag: str) -> str:
    """Shorten a tag's attributes."""
    for superfluous in (
        " font-family: 'DejaVu Sans';",
        ' target="_blank"',
        ' xmlns:xlink="http://www.w3.org/1999/xlink"',
    ):
        tag = tag.replace(superfluous, "")
    tag = tag.replace(" xlink:href=", " href=")
    tag = re.sub(r' transform="rotate\(-?0 [^"]*"', "", tag)
    tag = re.sub(r'(?<= style=")[^"]*', lambda match: re.sub(r"([:;]) ", r"\1", match[0]), tag)
    tag = re.sub(r'(?<= transform=")[^"]*', lambda match: _round(match[0]), tag)
    return re.sub(r'( (?:d|x|y|width|height)=")([^"]*)', lambda match: match[1] + _compact_path(match[2]), tag)


def _compact_path(path: str) -> str:
    """Round coordinates, and leave out spaces beside letters."""
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", _round(path.strip()))


def _round(coordinates: str) -> str:
    """Round coordinates to hundredths of a point."""
    return re.sub(r"\d+\.\d+", lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), coordinates)


def _rename_ids(tag: str, ids: dict[str, str]) -> str:
    """Give a tag a short id if something refers to it; in place of one by `set_data`, give it the data attributes."""
    name = ID.search(tag)
    tag = REFERENCE.sub(lambda match: f"{match[1]}#{ids[match[2]]}", ID.sub("", tag))
    if name is None:
        return tag
    name_text = name[1][1:-1]
    attributes = f' id="{ids[name_text]}"' if name_text in ids else ""
    if name_text.startswith("{"):
        data = json.loads(html.unescape(name_text))
        attributes = "".join(f' data-{key}="{html.escape(str(value))}"' for key, value in data.items())
    return re.sub(r"^<\w+", lambda match: match[0] + attributes, tag)


def _share_style(match: re.Match[str]) -> str:
    """Move a style that all markers of a group have to the group."""
    styles = set(re.findall(r' style="[^"]*"', match[2]))
    if len(styles) != 1 or " style=" in match[1]:
        return match[0]
    style = styles.pop()
    return f"<g{match[1]}{style}>{match[2].replace(style, '')}</g>"


def _drop_bare_groups(text: str) -> str:
    """Remove groups without attributes, and keep what they hold."""
    parts, is_kept = [], [True]
    for part in re.split(r"(</?g\b[^>]*>)", text):
        if re.fullmatch(r"<g\b[^>]*[^/]>|<g>", part):
            is_kept.append(part != "<g>")
        if part != "<g/>" and (part not in ("<g>", "</g>") or is_kept[-1]):
            parts.append(part)
        if part == "</g>":
            is_kept.pop()
    return "".join(parts)
