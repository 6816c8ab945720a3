"""The built wheel, installed into a fresh environment, is a whole CamTrace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "var", "build", "dist", "*.egg-info", "__pycache__", "dropin.cache", "tests")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the project, so that the checkout stays clean."""
    copy = tmp_path_factory.mktemp("build") / "project"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (built,) = (copy / "dist").glob("camtrace-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Iterator[Path]:
    """The bin folder of a fresh environment with the wheel; other libraries are lent by the one that runs the tests."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    lent = Path(sysconfig.get_path("purelib"))
    command = [sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install", "--quiet", "--no-deps"]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # behind its own folder, and as plain paths: .pth files in there (the editable CamTrace) are not followed
    (site / "lent.pth").write_text(f"{lent}\n")
    twistd = home / "bin/twistd"
    twistd.write_text(f"#!{home}/bin/python\nfrom twisted.scripts.twistd import run\nrun()\n")
    twistd.chmod(0o755)
    yield home / "bin"


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run something of the fresh environment, far from the checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_the_wheel_holds_what_the_checkout_holds(wheel) -> None:
    """Every module, migration, page and configuration file travels, and no test does."""
    names = set(zipfile.ZipFile(wheel).namelist())
    trees = {"camtrace": "camtrace", "web": "camtrace/web_assets", "etc": "camtrace/etc"}
    for source, target in trees.items():
        for path in (ROOT / source).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                assert f"{target}/{path.relative_to(ROOT / source).as_posix()}" in names
    assert "twisted/plugins/camtrace_plugin.py" in names
    assert not {name for name in names if name.startswith(("tests", "twisted/__init__", "twisted/plugins/__init__"))}


@pytest.mark.slow
def test_twistd_knows_it(installed, tmp_path) -> None:
    """`twistd` lists the server, and the server reads its configuration."""
    assert "CamTrace" not in str(tmp_path)
    listed = run([installed / "twistd", "--help"], tmp_path)
    assert "camtrace " in listed.stdout, listed.stdout + listed.stderr
    bad = tmp_path / "bad.toml"
    bad.write_text("[site]\nnonsense = 1\n")
    refused = run([installed / "twistd", "-n", "camtrace", "--config", bad], tmp_path)
    assert refused.returncode == 1
    assert "nonsense" in refused.stdout + refused.stderr


@pytest.mark.slow
def test_it_finds_its_own_files(installed, tmp_path) -> None:
    """Code, assets and migrations all come from the fresh environment."""
    script = (
        "import camtrace, camtrace.store.migrate; from camtrace import assets; from pathlib import Path;"
        "print(camtrace.__file__); print(assets.web()); print(assets.etc() / 'camtrace.toml');"
        "print(*sorted((Path(camtrace.store.migrate.__file__).parent / 'migrations').glob('*.sql')), sep=chr(10))"
    )
    told = run([installed / "python", "-c", script], tmp_path)
    assert told.returncode == 0, told.stderr
    places = [Path(line) for line in told.stdout.splitlines()]
    assert len(places) >= 4
    assert all(place.is_relative_to(installed.parent) and place.exists() for place in places)


@pytest.mark.slow
def test_the_command_says_its_version(installed, tmp_path) -> None:
    """The console command is installed and runs."""
    told = run([installed / "camtrace", "version"], tmp_path)
    assert told.stdout.startswith("CamTrace "), told.stderr
