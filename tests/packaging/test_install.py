"""What `make` installs with: uv where there is one, told what pip is told, and else pip."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from tools import install


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder with one small wheel, which pip's configuration names as the only place to look."""
    about = "tiny-1.dist-info"
    texts = {
        "tiny.py": "said = 'here'\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": f"tiny.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n",
    }
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1-py3-none-any.whl", "w") as wheel:
        for name, text in texts.items():
            wheel.writestr(name, text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def python(tmp_path):
    """The interpreter of an empty environment, which has no pip itself."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "own"], check=True)
    return str(tmp_path / "own" / "bin" / "python")


def said(python):
    return subprocess.run([python, "-c", "import tiny; print(tiny.said)"], capture_output=True, text=True, check=False)


def test_uv_looks_where_pip_is_told_to_look(wheels, python, monkeypatch):
    pytest.importorskip("uv", reason="no uv, which the extra dev brings")
    settings = install.settings_of_pip()
    monkeypatch.setattr(install, "settings_of_pip", lambda: settings)
    monkeypatch.setattr(install, "PIP", ("false",))
    install.install(python, "tiny")
    assert said(python).stdout == "here\n"


@pytest.mark.parametrize("uv", [(), (sys.executable, "-c", "raise SystemExit(2)")], ids=["no uv", "a uv that fails"])
def test_without_uv_pip_installs(wheels, python, uv, monkeypatch):
    monkeypatch.setattr(install, "find_uv", lambda: uv)
    install.install(python, "tiny")
    assert said(python).stdout == "here\n"


def test_what_nobody_has_ends_with_an_error(wheels, python):
    with pytest.raises(subprocess.CalledProcessError):
        install.install(python, "no-such-package")


def test_a_variable_counts_more_than_a_file_and_a_command_more_than_all_commands(wheels, tmp_path, monkeypatch):
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nfind-links = /all\nindex-url = /all\nconstraint = /a\n  /b\n[install]\nindex-url = /one\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    assert set(install.as_options(install.settings_of_pip())) >= {
        *("--no-index", f"--find-links={wheels}", "--default-index=/one", "--constraint=/a", "--constraint=/b")
    }
