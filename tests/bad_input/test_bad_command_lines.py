"""Arguments of the command are used, or refused in one line."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from inputs import WIDE, written

import ablate as command
import commands.report
import commands.run


@pytest.mark.parametrize("seeds", ["-1", "1001", "1000000000"])
def test_a_number_of_seeds_that_no_run_can_have_is_refused(error_line, root, out, seeds):
    assert f"--seeds is {seeds}" in error_line(
        "plan", "--seeds", seeds, "--data", root, "--out", out, "--device", "cpu"
    )


@pytest.mark.parametrize("command_name", ["plan", "run"])
@pytest.mark.parametrize("workers", ["0", "-1", "1025"])
def test_a_number_of_workers_that_no_machine_can_have_is_refused(error_line, command_name, workers):
    assert f"--workers is {workers}: expected 1 to 1024" in error_line(command_name, "--workers", workers)


@pytest.mark.parametrize("count", ["1025", "9" * 5000])
def test_a_number_of_gpus_that_no_cluster_can_have_is_refused(error_line, root, out, count):
    words = ("plan", "architecture", "--data", root, "--out", out, "--device", "cpu", "--cluster", count)
    line = error_line(*words)
    assert f"--cluster is {count[:900]}" in line and f"{count[-900:]}: expected 1 to 1024" in line


def test_a_number_of_workers_is_refused_where_a_cluster_or_torchrun_sets_it(error_line, monkeypatch):
    for words in (("plan", "--cluster", "4"), ("run",)):
        assert "--workers is for jobs on this machine" in error_line(*words, "--workers", "2")
        monkeypatch.setenv("WORLD_SIZE", "2")


def test_the_plan_and_the_run_take_the_number_of_workers(root, out, capsys, monkeypatch):
    arguments = ["relu", "--data", str(root), "--out", str(out), "--device", "cpu", "--profile", "smoke"]
    assert command.main(["plan", *arguments, "--workers", "7"]) == 0
    assert "7 at once" in capsys.readouterr().out
    monkeypatch.setattr(commands.run, "RetryQueue", lambda *_: None)
    monkeypatch.setattr(commands.run, "run", lambda jobs, options: pytest.fail(f"{options.workers} workers"))
    with pytest.raises(pytest.fail.Exception, match="7 workers"):
        command.main(["run", *arguments, "--workers", "7"])


@pytest.mark.parametrize("limit", ["", "-5m", "1d", "inf", "1e3", "5 m", "30m30s"])
def test_a_limit_that_is_no_time_is_refused(error_line, root, out, limit):
    assert "--limit is" in error_line("run", f"--limit={limit}", "--data", root, "--out", out, "--device", "cpu")
    assert not out.exists()


@pytest.mark.parametrize("name", ["", os.fsdecode(b"\xff")], ids=ascii)
def test_a_name_of_an_output_folder_that_cannot_be_used_exits_with_one_line(name, capfd):
    assert command.main(["plan", "--out", name]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("ablate: argument --out: the name") and line.endswith("; see: ablate plan --help")


@pytest.mark.parametrize("words", ["plan", "run", "report", "doctor", "ui", "export file.zip", "import nowhere"])
def test_an_output_folder_with_too_long_a_name_is_refused_by_every_command(
    error_line, root, tmp_path, monkeypatch, words
):
    monkeypatch.chdir(tmp_path)
    data = ("--data", root, "--device", "cpu") if words in ("plan", "run") else ()
    error_line(*words.split(), *data, "--out", WIDE)
    assert os.listdir(tmp_path) == ["images"]


@pytest.mark.parametrize("words", ["plan", "run", "report", "doctor", "ui", "export file.zip", "import nowhere"])
def test_what_is_no_folder_is_named_by_every_command(error_line, tmp_path, words):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    kinds = {tmp_path / "pipe": "a pipe", tmp_path / "file": "a file", "/dev/null": "a device"}
    for place, kind in kinds.items():
        assert error_line(*words.split(), "--out", place) == f"ablate: {place} is {kind}: name a folder with --out\n"


@pytest.mark.parametrize(
    "number, limit", [(resource.RLIMIT_NOFILE, 20), (resource.RLIMIT_NPROC, 6)], ids=["files", "processes"]
)
def test_a_limit_that_is_too_low_for_the_workers_is_reported_before_they_start(number, limit):
    code = f"""if True:
        import os, resource, sys
        from bench.runner.backends import local
        from bench.spec.errors import InputError
        local.check_room(2)
        if os.getuid() == 0:
            os.setuid(54321)  # root has no limit of processes
        resource.setrlimit({number}, ({limit}, {limit}))
        try:
            local.check_room(2)
        except InputError as error:
            sys.exit(str(error))
    """
    root = Path(command.__file__).parent
    process = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (
        process.stderr.startswith("2 workers need ")
        and "ulimit -n" in process.stderr
        and process.stderr.count("\n") == 1
    )


@pytest.mark.parametrize("place", ["/proc/out", "/proc/self/out"])
def test_an_output_folder_that_cannot_be_made_is_refused(error_line, root, place):
    assert f"{place} cannot be created" in error_line("run", "--data", root, "--out", place, "--device", "cpu")


@pytest.mark.parametrize(
    "number, advice",
    [
        (errno.ENOSPC, "make room"),
        (errno.EACCES, "name another folder with --out, or allow writing"),
        (errno.EPERM, "name another folder with --out, or allow writing"),
        (errno.EROFS, "name another folder with --out"),
        (errno.ENOTDIR, "name another one"),
    ],
    ids=errno.errorcode.get,
)
def test_what_the_system_refuses_is_reported_with_advice(error_line, monkeypatch, number, advice):
    def refuse(*_):
        raise OSError(number, os.strerror(number), "out/run.json")

    monkeypatch.setattr(commands.report, "load_request", refuse)
    line = error_line("report")
    assert "out/run.json" in line and advice in line and ("make room" in line) == (number == errno.ENOSPC)


@pytest.mark.parametrize(
    "message",
    [
        "No usable temporary directory found in ['/tmp']",  # tempfile
        "Matplotlib requires access to a writable cache directory, and a temporary directory could not be created",
    ],
)
def test_a_machine_without_a_temporary_folder_is_told_to_name_one(error_line, monkeypatch, message):
    def refuse(*_):
        raise OSError(message)

    monkeypatch.setattr(commands.report, "load_request", refuse)
    assert f"{message}: name a folder that can be written by TMPDIR" in error_line("report")


@pytest.mark.parametrize("name", ["trials", "reports", "cache"])
def test_a_file_in_the_place_of_an_output_folders_part_is_refused(error_line, root, out, name):
    out.mkdir()
    (out / name).write_text("a file")
    assert str(out) in error_line("run", "--data", root, "--out", out, "--device", "cpu")
    assert (out / name).read_text() == "a file"


@pytest.mark.usefixtures("obeyed")
@pytest.mark.parametrize("name", [".", "trials"])
def test_a_read_only_output_folder_is_refused(error_line, root, out, name):
    command.main(["plan", "--data", str(root), "--out", str(out), "--device", "cpu"])
    (out / name).chmod(0o555)
    try:
        assert str(out) in error_line("run", "--data", root, "--out", out, "--device", "cpu")
    finally:
        (out / name).chmod(0o755)


def test_brackets_in_a_name_are_shown_as_they_are(root, tmp_path, out, capsys):
    named, study = root.rename(root.with_name("[b]x[")), written(tmp_path, "STUDY = study()", "[red].py")
    arguments = ["plan", study, "--data", str(named), "--out", str(out), "--device", "cpu", "--profile", "smoke"]
    assert command.main(arguments) == 0
    assert "[b]x[: 6 train" in (output := capsys.readouterr().out) and "[red]" in output


@pytest.mark.parametrize(
    "words, name",
    [
        ("plan --out=~/x", "out"),
        ("plan --data=~/x", "data"),
        ("run ~/x", "studies"),
        ("report ~/x", "studies"),
        ("report --check=~/x", "check"),
        ("export ~/x", "file"),
        ("import ~/x", "origin"),
        ("pack ~/x ~/y", "folder"),
        ("pack ~/y ~/x", "target"),
    ],
)
def test_a_tilde_is_the_home_folder_in_every_path(monkeypatch, tmp_path, words, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    value = getattr(command._make_parser().parse_args(words.split()), name)
    assert value in (tmp_path / "x", str(tmp_path / "x"), [str(tmp_path / "x")])


@pytest.mark.parametrize("words", ["plan --out=~nobody-of-this-name/x", "run --data=~nobody-of-this-name"])
def test_a_home_folder_that_nobody_has_is_refused(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert command.main(words.split()) == 2
    assert "names no home folder; for a file of this name write ./~nobody-of-this-name" in capsys.readouterr().err
    Path("~nobody-of-this-name").mkdir()
    assert command._make_parser().parse_args(words.split())


@pytest.mark.parametrize("words", [["run", "--\x1b[2J\u202e"], ["\x1b[2J\u202e"], ["run", "\x1b[2J\u202e"]])
def test_a_command_line_is_repeated_without_its_control_characters(capsys, words):
    assert command.main(words) == 2
    error = capsys.readouterr().err
    assert "\\x1b[2J\\u202e" in error and error.replace("\n", "").isprintable()


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_a_command_in_one_line(monkeypatch, capsys, number, status):
    def stop(*_):
        signal.raise_signal(number)

    handlers = {other: signal.getsignal(other) for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(command, "list_studies", stop)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert command.main(["list"]) == status
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
        monkeypatch.setattr(command, "list_studies", lambda *_: signal.raise_signal(signal.SIGHUP) or 0)
        assert command.main(["list"]) == 0
    finally:
        for other, handler in handlers.items():
            signal.signal(other, handler)
    line = "ablate: stopped; finished jobs are kept; run the same command again to continue"
    assert capsys.readouterr().err.strip() == line


def test_a_library_that_cannot_be_loaded_is_reported_in_one_line(error_line, out, monkeypatch):
    def choose_device(device):
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    monkeypatch.setattr("bench.system.devices.choose_device", choose_device)
    line = error_line("run", "relu", "--data", "digits", "--out", out)
    assert "libtorch_cpu.so: failed to map segment" in line and "ulimit -a" in line
