"""Archives and MLflow addresses of strangers, and those that give nothing."""

import os
import sys
import zipfile

import pytest

from bench.records import archive as archives
from bench.records import importing
from bench.spec.errors import InputError
from commands.import_records import import_from

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own
NAME = "0" * 16 + ".json"


def tampered(archive, target, change):
    """The archive with each entry's name and content as `change` gives them."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(*change(entry.filename, old.read(entry)))
    return str(target)


@pytest.mark.parametrize("way", ["../{}", "/tmp/{}", "trials/{}", "..\\{}", "C:{}", "./{}", "{}/"])
def test_no_entry_of_an_archive_is_written_outside(archive, tmp_path, monkeypatch, way):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    odd = tampered(archive, tmp_path / "odd.zip", lambda name, content: (way.format(name), content))
    with pytest.raises(InputError, match="holds no record of this harness"):
        import_from(odd, tmp_path / "out", weights=True)
    assert sorted(os.listdir(tmp_path)) == ["odd.zip", "temporary"] and not os.listdir(tmp_path / "temporary")


def test_an_entry_that_is_huge_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setitem(importing.LARGEST_BYTES, ".json", 10**6)
    odd = str(tmp_path / "odd.zip")
    with zipfile.ZipFile(odd, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(NAME, b" " * (10**6 + 1))
    with pytest.raises(InputError, match=f"{NAME} is too large"):
        import_from(odd, tmp_path / "out", weights=False)
    assert not (tmp_path / "out").exists()


def test_a_damaged_archive_is_named_in_one_line_and_nothing_arrives(archive, tmp_path):
    whole, odd = archive.read_bytes(), tmp_path / "odd.zip"
    squeezed = zipfile.ZipFile(archive).infolist()[0]
    start = squeezed.header_offset + 30 + len(squeezed.filename)
    flipped = whole[:start] + bytes(byte ^ 0xFF for byte in whole[start : start + 64]) + whole[start + 64 :]
    for content in (b"", b"no archive", whole[:-30], whole[: len(whole) // 2], flipped):
        odd.write_bytes(content)
        with pytest.raises(InputError, match=r"^.*odd\.zip is not an archive of records \(.*\)$"):
            import_from(str(odd), tmp_path / "out", weights=True)
    assert not (tmp_path / "out").exists()


def test_a_place_that_holds_nothing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent is not found"):
        import_from(str(tmp_path / "absent"), tmp_path / "out", False)
    with pytest.raises(InputError, match="holds no record"):
        import_from(str(tmp_path), tmp_path / "out", False)
    with pytest.raises(InputError, match=r"no finished record .* nothing to export"):
        archives.pack(tmp_path, tmp_path / "results.zip", False)
    assert not list(tmp_path.iterdir())


def test_an_address_that_gives_nothing_is_named_and_nothing_is_made(tmp_path, monkeypatch):
    (tmp_path / "damaged.db").write_text("no database")
    for address, said in (
        (f"sqlite:///{tmp_path / 'absent.db'}", "there is no .*absent.db"),
        (f"sqlite:///{tmp_path / 'damaged.db'}", "cannot be read by MLflow: .*not a database"),
        ("http://127.0.0.1:9", "cannot be read by MLflow"),
        ("gopher://nowhere", "cannot be read by MLflow"),
    ):
        with pytest.raises(InputError, match=said) as told:
            import_from(address, tmp_path / "out", False)
        assert "\n" not in str(told.value)
    assert os.listdir(tmp_path) == ["damaged.db"]
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="mlflow is not installed"):
        import_from("http://127.0.0.1:9", tmp_path / "out", False)
