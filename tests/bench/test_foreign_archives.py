"""Untrusted archives and MLflow addresses, and those without records."""

import os
import sys
import zipfile

import pytest

from bench.records import archive as archives
from bench.records import store
from bench.spec.errors import InputError
from commands.import_records import import_from

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own
NAME = "0" * 16 + ".json"


def tampered(archive, target, change):
    """Copy the archive, replacing each entry's name and content by what `change` returns for them."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as changed:
        for entry in source.infolist():
            changed.writestr(*change(entry.filename, source.read(entry)))
    return str(target)


@pytest.mark.parametrize("pattern", ["../{}", "/tmp/{}", "trials/{}", "..\\{}", "C:{}", "./{}", "{}/"])
def test_no_entry_of_an_archive_is_written_outside(archive, tmp_path, monkeypatch, pattern):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    invalid_archive = tampered(archive, tmp_path / "odd.zip", lambda name, content: (pattern.format(name), content))
    with pytest.raises(InputError, match="holds no record of this harness"):
        import_from(invalid_archive, tmp_path / "out", weights=True)
    assert sorted(os.listdir(tmp_path)) == ["odd.zip", "temporary"] and not os.listdir(tmp_path / "temporary")


def test_an_entry_that_is_huge_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setitem(store.MAX_BYTES, ".json", 10**6)
    invalid_archive = str(tmp_path / "odd.zip")
    with zipfile.ZipFile(invalid_archive, "w", zipfile.ZIP_DEFLATED) as huge_file:
        huge_file.writestr(NAME, b" " * (10**6 + 1))
    with pytest.raises(InputError, match=f"{NAME} is too large"):
        import_from(invalid_archive, tmp_path / "out", weights=False)
    assert not (tmp_path / "out").exists()


def test_a_pipe_is_neither_read_nor_replaced(tmp_path, ran):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="pipe is no regular file"):
        archives.pack(ran.out, pipe, weights=False)
    with pytest.raises(InputError, match="pipe is no regular file"):
        archives.unpack(pipe, tmp_path, bool)
    assert pipe.is_fifo()


def test_a_link_to_an_archive_stays(tmp_path, ran):
    link = tmp_path / "link.zip"
    link.symlink_to("results.zip")
    archives.pack(ran.out, link, weights=False)
    assert link.is_symlink() and zipfile.is_zipfile(tmp_path / "results.zip")


MANY = [f"{number:016x}.json" for number in range(20)]


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile's own
@pytest.mark.parametrize(
    "names, message", [(MANY, r"would unpack to \d{3} times its size"), ([NAME, NAME], "holds a file twice")]
)
def test_an_archive_of_many_or_of_equal_entries_is_not_unpacked(tmp_path, monkeypatch, names, message):
    monkeypatch.setattr("shutil.copyfileobj", lambda *_: pytest.fail("an entry was unpacked"))
    odd = str(tmp_path / "odd.zip")
    with zipfile.ZipFile(odd, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in names:
            bomb.writestr(name, b" " * 10**6)
    with pytest.raises(InputError, match=message):
        import_from(odd, tmp_path / "out", weights=False)
    assert not (tmp_path / "out").exists()


def test_a_damaged_archive_is_named_in_one_line_and_nothing_is_imported(archive, tmp_path):
    intact, invalid_archive = archive.read_bytes(), tmp_path / "odd.zip"
    squeezed = zipfile.ZipFile(archive).infolist()[0]
    start = squeezed.header_offset + 30 + len(squeezed.filename)
    flipped = intact[:start] + bytes(byte ^ 0xFF for byte in intact[start : start + 64]) + intact[start + 64 :]
    for content in (b"", b"no archive", intact[:-30], intact[: len(intact) // 2], flipped):
        invalid_archive.write_bytes(content)
        with pytest.raises(InputError, match=r"^.*odd\.zip is not an archive of records \(.*\)$"):
            import_from(str(invalid_archive), tmp_path / "out", weights=True)
    assert not (tmp_path / "out").exists()


def test_an_origin_without_records_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent is not found"):
        import_from(str(tmp_path / "absent"), tmp_path / "out", False)
    with pytest.raises(InputError, match="holds no record"):
        import_from(str(tmp_path), tmp_path / "out", False)
    with pytest.raises(InputError, match=r"no finished record .* nothing to export"):
        archives.pack(tmp_path, tmp_path / "results.zip", False)
    assert not list(tmp_path.iterdir())


def test_an_address_without_records_is_named_and_nothing_is_created(tmp_path, monkeypatch):
    (tmp_path / "damaged.db").write_text("no database")
    for address, message in (
        (f"sqlite:///{tmp_path / 'absent.db'}", "absent.db not found"),
        (f"sqlite:///{tmp_path / 'damaged.db'}", "cannot be read by MLflow: .*not a database"),
        ("http://127.0.0.1:9", "cannot be read by MLflow"),
        ("gopher://nowhere", "cannot be read by MLflow"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            import_from(address, tmp_path / "out", False)
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["damaged.db"]
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="mlflow is not installed"):
        import_from("http://127.0.0.1:9", tmp_path / "out", False)
