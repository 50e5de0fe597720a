"""Every bad input has a defined answer: it is used, or refused in one line before anything trains."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import ablate as command
import commands
from ablations import catalogue, request
from ablations.profiles import PROFILES
from ablations.study import Setting
from bench import data, records, sources
from bench.spec import BadInput, Data, Model, Recipe
from reports import terminal

DATA = Data("0123456789abcdef", classes=10, train=100)
WIDE = "x" * 300  # longer than a file's name may be


def noise(seed=0, size=(32, 32)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


@pytest.fixture
def root(tmp_path):
    """A small data set that can be used."""
    for split, count in (("train", 4), ("test", 2)):
        for place, name in enumerate(("cat", "dog")):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            for number in range(count):
                noise(100 * place + 10 * number + len(split)).save(tmp_path / "images" / split / name / f"{number}.png")
    return tmp_path / "images"


@pytest.fixture
def obeyed(tmp_path):
    """Modes of files and folders, which they are not where the tests run as root."""
    (tmp_path / "secret").touch(0)
    if os.access(tmp_path / "secret", os.R_OK, effective_ids=True):
        pytest.skip("nothing is unreadable to root")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def refusal(call, *arguments):
    """The one line that the call is refused with."""
    with pytest.raises(BadInput) as caught:
        call(*arguments)
    assert str(caught.value).isprintable(), str(caught.value)
    return str(caught.value)


# Images that are used


def as_jpeg(file):
    noise().save(file, "JPEG")


def sixteen_bits(file):
    Image.fromarray(np.full((32, 32), 0x8040, np.uint16)).save(file)


def clear_palette(file):
    image = noise().quantize(16)
    image.save(file, transparency=bytes(range(16)))


def moving(file):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=10)


def moving_png(file):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=10)


def grey(file):
    Image.new("L", (32, 32), 77).save(file)


def cmyk(file):
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(file, "JPEG", quality=100)


def turned(file):
    image = Image.new("RGB", (32, 32), "black")
    image.paste("white", (0, 0, 32, 16))
    image.save(file, exif=exif(3))


def exif(orientation):
    found = Image.Exif()
    found[0x0112] = orientation
    return found


USED = [
    (as_jpeg, None),
    (sixteen_bits, (128, 128, 128)),
    (clear_palette, None),
    (moving, (255, 0, 0)),
    (moving_png, (255, 0, 0)),
    (grey, (77, 77, 77)),
    (cmyk, (254, 0, 0)),
    (turned, (0, 0, 0)),
]


@pytest.mark.parametrize("make, colour", USED, ids=[make.__name__.replace("_", " ") for make, _ in USED])
def test_an_odd_image_is_used(root, out, make, colour):
    make(root / "test/cat/0.png")
    source = data.locate(str(root), out)
    assert (source.data.train, source.test) == (6, 4)
    first = data.load(source.folder)["test"][0][0][data.MARGIN, data.MARGIN]
    assert colour is None or first.tolist() == pytest.approx(colour, abs=1)


@pytest.mark.parametrize("dtype", [np.int32, np.uint16])
def test_sixteen_bits_are_scaled_whatever_the_file_keeps_them_in(tmp_path, dtype):
    Image.fromarray(np.linspace(0, 65535, 1024).reshape(32, 32).astype(dtype)).save(tmp_path / "image.tif")
    found = sources._pixels(tmp_path / "image.tif")[..., 0]
    assert (found[0, 0], found[-1, -1]) == (0, 255)
    assert 126 <= found.mean() <= 128


# Images that are refused


def huge(file):
    Image.new("1", (10_000, 9_000)).save(file)


def bomb(file):
    Image.new("1", (20_000, 10_000)).save(file)


def text(file):
    file.write_text("this is text")


def empty(file):
    file.write_bytes(b"")


def truncated(file):
    noise(size=(200, 200)).save(file, "JPEG")
    file.write_bytes(file.read_bytes()[:4000])


def broken(file):
    noise().save(file)
    raw = bytearray(file.read_bytes())
    raw[60:200] = bytes(140)
    file.write_bytes(raw)


def real_numbers(file):
    Image.fromarray(np.ones((32, 32), np.float32)).save(file, "TIFF")


def thirty_two_bits(file):
    Image.fromarray(np.full((32, 32), 2**30, np.int32)).save(file, "TIFF")


REFUSED = [
    (huge, "90000000 pixels) exceeds limit"),
    (bomb, "decompression bomb"),
    (text, "cannot identify image file"),
    (empty, "cannot identify image file"),
    (truncated, "truncated"),
    (broken, "broken"),
    (real_numbers, "save it with 8 or 16 bits"),
    (thirty_two_bits, "more than 16 bits"),
]


@pytest.mark.parametrize("make, said", REFUSED, ids=[make.__name__.replace("_", " ") for make, _ in REFUSED])
def test_a_file_that_is_no_image_is_named_with_the_reason(root, out, make, said):
    file = root / "test/dog/1.jpg"
    make(file if make in (text, empty, truncated) else file.with_suffix(".png"))
    told = refusal(data.locate, str(root), out)
    assert "/test/dog/1." in told and said in told and told.endswith("mend or remove it")
    assert not list(out.rglob("*.npy"))


def test_a_large_image_below_the_limit_is_used(root, out):
    Image.new("1", (9_000, 9_000)).save(root / "test/dog/1.png")
    assert data.locate(str(root), out).test == 4


# Folders


def loop(root):
    (root / "train/eel").symlink_to(root / "train/eel")
    return "train/eel is a symbolic link that leads nowhere"


def loop_upwards(root):
    for split in ("train", "test"):
        (root / split / "eel").symlink_to(root)
    return "train/eel/test is a folder within a class"


def broken_link(root):
    (root / "train/cat/9.png").symlink_to(root / "gone.png")
    return "9.png is a symbolic link that leads nowhere"


def pipe(root):
    os.mkfifo(root / "train/cat/9.png")
    return "9.png is no regular file: remove it"


def nested(root):
    (root / "train/cat/more").mkdir()
    noise().save(root / "train/cat/more/0.png")
    return "cat/more is a folder within a class: move its images into"


def hidden_class(root):
    (root / "train/dog").rename(root / "train/.dog")
    return "differ (dog)"


def hidden_images(root):
    for file in list((root / "test/dog").iterdir()):
        file.rename(file.with_name(f".{file.name}"))
    return "there is no image in"


def single_class(root):
    for split in ("train", "test"):
        shutil.rmtree(root / split / "dog")
    return "one class only (cat)"


def newline(root):
    (root / "train/a\nb").mkdir()
    return r"there is no image in " + str(root / r"train/a\nb")


def undecodable(root):
    (root / "train" / os.fsdecode(b"\xff")).mkdir()
    return r"train/\udcff"


FOLDERS = [loop, loop_upwards, broken_link, pipe, nested, hidden_class, hidden_images, single_class]
FOLDERS += [newline, undecodable]


@pytest.mark.parametrize("harm", FOLDERS, ids=lambda harm: harm.__name__.replace("_", " "))
def test_a_folder_that_cannot_be_used_is_refused(root, out, harm):
    assert harm(root) in refusal(data.locate, str(root), out)
    assert not list(out.rglob("*.npy"))


@pytest.mark.usefixtures("obeyed")
@pytest.mark.parametrize("place", ["", "train", "train/cat", "train/cat/0.png", "test/dog"])
def test_what_may_not_be_read_is_refused(root, out, place):
    (root / place).chmod(0)
    try:
        assert "read" in refusal(data.locate, str(root), out)
    finally:
        (root / place).chmod(0o755)


NAMES = [
    "猫",
    "кот",
    "قط",
    "a b",
    "it's",
    '"quoted"',
    "<b>&amp;",
    "[bold]",
    "[red]",
    "a\nb",
    os.fsdecode(b"\xe9\xff"),
    "-r",
]
NAMES += ["%s{}$HOME`id`", "🐈", "[bold"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_of_a_folder_a_class_and_a_file_is_used_and_shown_on_one_line(root, out, name):
    for split in ("train", "test"):
        (root / split / "dog").rename(root / split / name)
    (root / "train/cat/0.png").rename(root / f"train/cat/{name}.png")
    source = data.locate(str(root.rename(root.with_name(name))), out)
    assert sorted(source.classes) == sorted(["cat", sources.line(name)])
    assert source.data.name == sources.line(name)
    assert json.dumps(source.facts(), ensure_ascii=False).encode().decode().isprintable()


def test_what_is_hidden_is_passed_over(root, out):
    before = data.locate(str(root), out)
    for place in ("train/.ipynb_checkpoints", "test/cat/.ipynb_checkpoints", ".git"):
        (root / place).mkdir()
        shutil.copy(root / "train/cat/0.png", root / place)
    for place in ("train/.DS_Store", "train/cat/.DS_Store", "train/cat/._0.png", ".DS_Store"):
        (root / place).write_bytes(b"\0\0\0\1Bud1")
    assert data.locate(str(root), out) == before


def test_links_to_images_and_to_folders_are_used(root, out):
    before = data.locate(str(root), out)
    for place in ("train/cat/0.png", "test/dog"):
        kept = root.with_name(place.replace("/", "-"))
        (root / place).rename(kept)
        (root / place).symlink_to(kept)
    assert data.locate(str(root), out).data == before.data


@pytest.mark.parametrize(
    "wanted, said",
    [
        ("", "DATA is empty"),
        (WIDE, "there is no folder xxx"),
        ("~nobody-of-this-name/x", "there is no folder ~nobody"),
        ("no\nwhere", r"there is no folder no\nwhere"),
        ("Digits", "there is no folder Digits: DATA takes 'digits'"),
        (os.fsdecode(b"\xff"), r"there is no folder \udcff"),
        ("/dev/null", "there is no folder /dev/null"),
        (__file__, "test_bad_input.py"),
    ],
    ids=ascii,
)
def test_a_name_of_data_that_leads_nowhere_is_refused(out, wanted, said):
    assert said in refusal(data.locate, wanted, out)


# A damaged cache


def cut(name):
    def harm(folder):
        file = folder / f"{name}.npy"
        os.truncate(file, file.stat().st_size - 8)

    return harm


def swapped(folder):
    shutil.copy(folder / "test_pixels.npy", folder / "train_pixels.npy")


def zeroed(folder):
    file = folder / "train_labels.npy"
    file.write_bytes(bytes(file.stat().st_size))


def other_labels(folder):
    np.save(folder / "test_labels.npy", np.full(4, 7))


def pickled(folder):
    np.save(folder / "test_labels.npy", np.array([{}, {}]), allow_pickle=True)


def facts(content):
    return lambda folder: (folder / "facts.json").write_text(content)


def fact(name, value):
    def harm(folder):
        known = json.loads((folder / "facts.json").read_text())
        (folder / "facts.json").write_text(json.dumps({**known, name: value}))

    return harm


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("a file")


def a_broken_link(folder):
    shutil.rmtree(folder)
    folder.symlink_to(folder.with_name("gone"))


HARMS = {
    **{f"{name} cut short": cut(name) for name in ("train_pixels", "train_labels", "validation_pixels", "test_labels")},
    "another's pixels": swapped,
    "labels all zero bytes": zeroed,
    "labels of no class": other_labels,
    "a pickle": pickled,
    "facts empty": facts(""),
    "facts cut": facts('{"digest": "01'),
    "facts no object": facts("[1, 2]"),
    "facts without fields": facts("{}"),
    "a fact of another type": fact("digest", 3),
    "a fact that is wrong": fact("train", 5),
    "classes lost": fact("classes", ["cat"]),
    "a file lost": lambda folder: (folder / "test_pixels.npy").unlink(),
    "a file instead": a_file,
    "a broken link instead": a_broken_link,
    "all lost": lambda folder: [file.unlink() for file in folder.iterdir()],
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_damaged_cache_is_noticed_and_decoded_again(root, out, harm):
    before = data.locate(str(root), out)
    known = {file.name: file.read_bytes() for file in before.folder.iterdir()}
    harm(before.folder)
    assert data.locate(str(root), out) == before
    assert {file.name: file.read_bytes() for file in before.folder.iterdir()} == known
    assert os.listdir(out / "cache") == [before.folder.name]


def test_a_damaged_cache_of_images_that_are_broken_since_is_kept_and_the_image_named(root, out):
    before = data.locate(str(root), out)
    file, times = root / "test/cat/0.png", (root / "test/cat/0.png").stat()
    file.write_bytes(bytes(times.st_size))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    facts("")(before.folder)
    assert "test/cat/0.png cannot be read as an image" in refusal(data.locate, str(root), out)


# Settings


@pytest.mark.parametrize(
    "kind, levels, said",
    [
        (Recipe, {"epochs": 2.5}, "epochs is 2.5; it must be a whole number"),
        (Recipe, {"batch": 16.0}, "batch is 16.0; it must be a whole number"),
        (Recipe, {"epochs": True}, "epochs is True"),
        (Recipe, {"share": float("nan")}, "share is nan"),
        (Recipe, {"augmentation": ["both"]}, "augmentation is ['both']"),
        (Model, {"extra": 0.5}, "extra is 0.5"),
        (Model, {"without": None}, "write the layers as a tuple"),
        (Model, {"without": (3,)}, "cannot leave out 3"),
        (Model, {"width": "wide"}, "width is 'wide'"),
    ],
    ids=str,
)
def test_a_level_of_another_type_is_refused(kind, levels, said):
    assert said in refusal(lambda: kind(**levels))


# Study files

STUDY = """
from ablations.study import Claim, Contrast, Exact, Study
from bench.spec import Model, Timing
PART = Contrast("test/accuracy", "a", "b", margin=1)
CLAIM = Claim("mine", "A claim", (PART,))
def study(**fields):
    return Study(**{"question": "?", "claims": (CLAIM,), "arms": {"a": {}, "b": {"dropout": 0.0}}, **fields})
"""


def written(folder, code, name="mine.py"):
    (folder / name).write_text(f"{STUDY}\n{code}\n")
    return str(folder / name)


@pytest.mark.parametrize(
    "code, said",
    [
        ("raise SystemExit(0)", "SystemExit"),
        ("raise ValueError('two\\nlines')", r"ValueError: two\nlines"),
        ("def f(): f()\nf()", "RecursionError"),
        ("STUDY = study(claims=CLAIM)", "one alone needs a comma: (Claim(...),)"),
        ("STUDY = study(claims=(Claim('c', 'C', PART),))", "one alone needs a comma: (Contrast(...),)"),
        ("STUDY = study(claims=(3,))", "claims must be a tuple of Claim"),
        ("STUDY = study(arms=['a', 'b'])", "must be dictionaries"),
        ("STUDY = study(arms={1: {}})", "must be dictionaries"),
        ("STUDY = study(arms={'a': None, 'b': {}})", "arm 'a' must be a dictionary"),
        ("STUDY = study(arms={'a': {}, 'again': {}})", "has the name of a control"),
        ("STUDY = study(counts={'c': 'Model'})", "count 'c' must be a Model"),
        ("STUDY = study(timings=3)", "timings must be a function"),
        ("STUDY = study(claims=(Claim('c', 'C', (Contrast(3, 'a', 'b', margin=1),)),))", "must be text"),
        (
            "STUDY = study(claims=(Claim('c', 'C', (Contrast('test/loss', 'a', None, margin=1),)),))",
            "an arm or a number",
        ),
        ("STUDY = study(arms={'a': {}, '\\udcff': {}})", "half a character"),
        ("STUDY = study(question='\\udcff?')", "half a character"),
        ("STUDY = study(claims=(Claim('c', '\\udcff', (PART,)),))", "half a character"),
        ("STUDY = Study", "holds no study"),
        ("STUDY = study(margin=1)", "TypeError"),
    ],
    ids=ascii,
)
def test_a_study_file_that_cannot_be_used_says_why(tmp_path, code, said):
    told = refusal(catalogue.find, [written(tmp_path, code)])
    assert said in told and str(tmp_path / "mine.py") in told


@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"\0", b"x = '\xff'"], ids=["utf-16", "nul", "latin-1"])
def test_a_study_file_that_is_no_text_is_refused(tmp_path, content):
    (tmp_path / "mine.py").write_bytes(content)
    assert "mine.py is no study" in refusal(catalogue.find, [str(tmp_path / "mine.py")])


def test_a_folder_a_link_and_a_long_name_for_a_study_are_refused(tmp_path):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    assert "folder.py is no regular file" in refusal(catalogue.find, [str(tmp_path / "folder.py")])
    assert "there is no file" in refusal(catalogue.find, [str(tmp_path / "loop.py")])
    assert "there is no file" in refusal(catalogue.find, [f"{WIDE}.py"])
    assert "there is no study" in refusal(catalogue.find, [str(tmp_path)])


def test_a_study_whose_jobs_cannot_be_made_is_refused(tmp_path):
    named = "STUDY = study(timings=lambda setting: (Timing('steps', (('\\udcff', Model()),), (8,), 3),))"
    for code in ("STUDY = study(timings=lambda setting: 1 / 0)", "STUDY = study(base={'epochs': 'many'})", named):
        (study,) = catalogue.find([written(tmp_path, code)])
        told = refusal(request._jobs, study, Setting(PROFILES["smoke"], DATA))
        assert "study mine cannot be used: " in told


# The command


@pytest.fixture
def told(capsys):
    """Runs the command here; gives its exit status and what it says on stderr, which is one line."""

    def run(*arguments):
        status = command.main([*map(str, arguments)])
        said = capsys.readouterr().err
        assert status == 2 and said.startswith("ablate: ") and said.count("\n") == 1, said
        return said

    return run


@pytest.mark.parametrize("seeds", ["-1", "1001", "1000000000"])
def test_a_number_of_seeds_that_no_run_can_have_is_refused(told, root, out, seeds):
    assert f"--seeds is {seeds}" in told("plan", "--seeds", seeds, "--data", root, "--out", out, "--device", "cpu")


@pytest.mark.parametrize("limit", ["-5m", "1d", "inf", "1e3", "5 m", "30m30s"])
def test_a_limit_that_is_no_time_is_refused(told, root, out, limit):
    assert "--limit is" in told("run", f"--limit={limit}", "--data", root, "--out", out, "--device", "cpu")
    assert not out.exists()


@pytest.mark.parametrize("name", ["", os.fsdecode(b"\xff")], ids=ascii)
def test_a_name_of_an_output_folder_that_cannot_be_used_exits_with_the_usage(name, capfd):
    with pytest.raises(SystemExit, match="2"):
        command.main(["plan", "--out", name])
    assert "error: argument --out: the name" in capfd.readouterr().err


@pytest.mark.parametrize("words", ["plan", "run", "report", "doctor", "ui", "export file.zip", "import nowhere"])
def test_an_output_folder_with_too_long_a_name_is_refused_by_every_command(told, root, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    data = ("--data", root, "--device", "cpu") if words in ("plan", "run") else ()
    told(*words.split(), *data, "--out", WIDE)
    assert os.listdir(tmp_path) == ["images"]


@pytest.mark.parametrize("place", ["/proc/out", "/proc/self/out"])
def test_an_output_folder_that_cannot_be_made_is_refused(told, root, place):
    assert f"{place} cannot be made" in told("run", "--data", root, "--out", place, "--device", "cpu")


@pytest.mark.parametrize(
    "number, said",
    [
        (errno.ENOSPC, "make room"),
        (errno.EACCES, "name another folder with --out, or allow writing"),
        (errno.EPERM, "name another folder with --out, or allow writing"),
        (errno.EROFS, "name another folder with --out"),
        (errno.ENOTDIR, "name another one"),
    ],
    ids=errno.errorcode.get,
)
def test_what_the_system_refuses_is_told_with_what_to_do_about_it(told, monkeypatch, number, said):
    def refuse(*_):
        raise OSError(number, os.strerror(number), "out/run.json")

    monkeypatch.setattr(commands, "recall", refuse)
    line = told("report")
    assert "out/run.json" in line and said in line and ("make room" in line) == (number == errno.ENOSPC)


@pytest.mark.parametrize("name", ["trials", "reports", "cache"])
def test_a_file_in_the_place_of_an_output_folders_part_is_refused(told, root, out, name):
    out.mkdir()
    (out / name).write_text("a file")
    assert str(out) in told("run", "--data", root, "--out", out, "--device", "cpu")
    assert (out / name).read_text() == "a file"


@pytest.mark.usefixtures("obeyed")
@pytest.mark.parametrize("name", [".", "trials"])
def test_a_read_only_output_folder_is_refused(told, root, out, name):
    command.main(["plan", "--data", str(root), "--out", str(out), "--device", "cpu"])
    (out / name).chmod(0o555)
    try:
        assert str(out) in told("run", "--data", root, "--out", out, "--device", "cpu")
    finally:
        (out / name).chmod(0o755)


def test_brackets_in_a_name_are_shown_as_they_are(root, tmp_path, out, capsys):
    named, study = root.rename(root.with_name("[b]x[")), written(tmp_path, "STUDY = study()", "[red].py")
    asked = ["plan", study, "--data", str(named), "--out", str(out), "--device", "cpu", "--profile", "smoke"]
    assert command.main(asked) == 0
    assert "[b]x[: 6 train" in (said := capsys.readouterr().out) and "[red]" in said


# What lies in the output folder


@pytest.fixture
def kept(smoke, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(smoke.out, tmp_path / "kept")


def changed(**fields):
    return lambda text: json.dumps({**json.loads(text), **fields})


RECORDS = {
    "of another schema": (changed(schema=2), "schema 2"),
    "cut in half": (lambda text: text[: len(text) // 2], "no whole record"),
    "not JSON": (lambda text: "hello", "no whole record"),
    "empty": (lambda text: "", "no whole record"),
    "a list": (lambda text: "[]", "no record"),
    "null": (lambda text: "null", "no record"),
    "deep": (lambda text: "[" * 100_000, "recursion"),
    "another job's": (changed(identity="0" * 16), "not the record of its own job"),
    "of no kind": (changed(kind="guess"), "no record"),
    "of no status": (changed(status="fine"), "status 'fine'"),
    "without points": (changed(points=None), "no record"),
    "with layers that are none": (changed(network={"parameters": 1, "macs": 1, "layers": [{}]}), "name"),
}


@pytest.mark.parametrize("words", ["run", "plan", "report"])
@pytest.mark.parametrize("change, said", RECORDS.values(), ids=RECORDS)
def test_a_record_that_is_none_is_named_with_what_to_do(told, smoke, kept, words, change, said):
    file = min(records.folder(kept).glob("*.json"))
    file.write_text(change(file.read_text()))
    asked = () if words == "report" else smoke.asked
    line = told(words, *asked, "--out", kept)
    assert str(file) in line and said in line and "ablate doctor --mend" in line


def test_records_of_an_earlier_revision_are_passed_over(smoke, kept):
    file = min(records.folder(kept).glob("*.json"))
    shutil.copy(file, file.with_name("0" * 16 + ".json"))
    assert command.main(["plan", *smoke.asked, "--out", str(kept)]) == 0


@pytest.mark.parametrize("words", ["plan", "report"])
def test_a_record_is_read_once_for_its_check_and_its_pace(smoke, kept, monkeypatch, words):
    read, load = [], records.load
    monkeypatch.setattr(records, "load", lambda file: read.append(file) or load(file))
    monkeypatch.setattr(terminal, "report", lambda *_: [])
    assert command.main([words, *(smoke.asked if words == "plan" else ()), "--out", str(kept)]) == 0
    assert sorted(read) == sorted(records.folder(kept).glob("*.json"))


@pytest.mark.parametrize("words", ["run", "report"])
@pytest.mark.parametrize("content", ["[1]", '"x"', "{}"])
def test_a_stranger_among_the_records_that_is_none_stops_a_run_and_a_report(told, smoke, kept, words, content):
    (records.folder(kept) / "notes.json").write_text(content)
    assert "notes.json is no record" in told(words, *(smoke.asked if words == "run" else ()), "--out", kept)


def within(text, *places, value):
    known = part = json.loads(text)
    for place in places[:-1]:
        part = part[place]
    part[places[-1]] = value
    return json.dumps(known)


REQUESTS = {
    "empty": lambda text: "",
    "cut in half": lambda text: text[: len(text) // 2],
    "no object": lambda text: "[]",
    "without fields": lambda text: "{}",
    "an unknown profile": lambda text: within(text, "profile", value="lavish"),
    "no seeds": lambda text: within(text, "seeds", value=0),
    "seeds in words": lambda text: within(text, "seeds", value="two"),
    "another device": lambda text: within(text, "device", value="tpu"),
    "studies that are none": lambda text: within(text, "studies", value="relu"),
    "a source of nothing": lambda text: within(text, "source", value=None),
    "classes lost": lambda text: within(text, "source", "classes", value=3),
    "no training images": lambda text: within(text, "source", "data", "train", value=0),
    "a stranger among the fields": lambda text: within(text, "source", "colour", value="red"),
    "half a character in a class": lambda text: within(text, "source", "classes", value=["cat", "\udcff"]),
    "further seeds in words": lambda text: within(text, "further", value={"relu": {"tanh": "ten"}}),
    "further seeds of no arm": lambda text: within(text, "further", value={"relu": 10}),
    "no further seeds": lambda text: within(text, "further", value={"relu": {"tanh": 0}}),
    "chance in words": lambda text: within(text, "source", "data", "chance", value="even"),
}


@pytest.mark.parametrize("change", REQUESTS.values(), ids=REQUESTS)
def test_a_damaged_run_json_is_said_to_be_damaged(told, kept, change):
    (kept / "run.json").write_text(change((kept / "run.json").read_text()))
    assert "run.json is damaged" in told("report", "--out", kept)


def test_a_run_json_that_is_a_folder_or_no_text_is_said_to_be_damaged(told, kept):
    (kept / "run.json").write_bytes(b"\xff\xfe\0")
    assert "run.json is damaged" in told("report", "--out", kept)
    (kept / "run.json").unlink()
    (kept / "run.json").mkdir()
    assert "run.json is damaged" in told("report", "--out", kept)
