import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def imports(file):
    """Return the top-level package of every import in the file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield node.module.split(".")[0]


def test_the_vocabulary_needs_the_standard_library_alone():
    for file in (ROOT / "bench" / "__init__.py", *(ROOT / "bench" / "spec").glob("*.py")):
        assert set(imports(file)) <= {"bench", *sys.stdlib_module_names}


NO_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
NO_MLFLOW = "import sys; sys.modules['mlflow'] = None\n"  # find_spec also treats the module as absent


def after(prologue, code, *arguments, **options):
    """Run the code in a separate Python process, after the prologue."""
    code = f"{prologue}sys.path.insert(0, {str(ROOT)!r})\n{code}"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, **options)


def test_a_blocked_module_is_out_of_reach():
    assert "No module named 'torch'" in after(NO_TORCH, "import torch").stderr
    assert "ModuleNotFoundError" in after(NO_MLFLOW, "import mlflow").stderr


def test_only_measuring_modules_import_torch():
    process = after(
        NO_TORCH,
        "import bench.runner.scheduler, bench.tracking.publisher, ablations.framework.discovery\n"
        "import reports.report, ablate",
    )
    assert process.returncode == 0, process.stderr


def test_a_worker_that_imports_the_command_waits_for_nothing_slow():
    process = after("import sys\n", "import ablate; print(*sys.modules)")
    assert {"torch", "mlflow", "ray", "seaborn", "scipy", "typst"}.isdisjoint(process.stdout.split()), process.stderr


def test_every_study_is_found_without_torch():
    process = after(NO_TORCH, "from ablations.framework import discovery; print(len(discovery.find_studies([])))")
    assert process.returncode == 0 and int(process.stdout) >= 6, process.stderr


def test_a_run_ends_well_where_mlflow_is_not_installed(smoke, environment, tmp_path):
    """All records but one are present, so that one trial is trained."""
    shutil.copytree(smoke.out / "trials", tmp_path / "trials")
    removed_record = min((tmp_path / "trials").glob("*.json"))
    removed_record.unlink()
    arguments = ["run", *smoke.arguments, "--out", str(tmp_path)]
    process = after(NO_MLFLOW, "import ablate; sys.exit(ablate.main())", *arguments, env=environment)
    assert process.returncode == 0, process.stderr
    assert "mlflow is not installed" in process.stdout
    assert removed_record.exists()
    assert not (tmp_path / "mlflow.db").exists()
    assert (tmp_path / "reports" / "report.html").exists()


def importers(contract_name):
    """Return the modules of a contract of import-linter that must not import something."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [c for c in settings["tool"]["importlinter"]["contracts"] if c["name"] == contract_name]
    return set(contract["source_modules"])


def modules_in(folder):
    return {f"{folder.replace('/', '.')}.{item.stem}" for item in (ROOT / folder).iterdir() if item.stem[0] != "_"}


def test_contracts_about_mlflow_and_ray_name_every_module():
    packages = modules_in("bench") | {"ablations", "reports", "commands"}
    assert importers("Only tracking imports mlflow") == packages - {"bench.tracking"}
    runner = modules_in("bench/runner") | modules_in("bench/runner/backends")
    backends = {module for module in runner if ".ray_" in module} | {"bench.runner.backends"}
    assert importers("Only the Ray backend imports ray") == packages - {"bench.runner"} | runner - backends


def test_the_architecture_page_lists_every_module():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = {
        folder: re.findall(r"`(\w+)`", modules)
        for folder, modules in re.findall(r"^\| `([\w/]+)` \| .* \| (`[^|]+) \|$", page, re.MULTILINE)
    }
    present: dict[str, list[str]] = {}
    for top in ("bench", "ablations", "reports", "commands"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if file.stem != "__init__":
                present.setdefault(str(file.parent.relative_to(ROOT)), []).append(file.stem)
    assert listed == present
