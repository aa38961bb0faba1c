"""What several commands do with their options."""

import subprocess
import sys

import pytest

import headwater.cli.commands
from headwater.cli import main
from headwater.cli.options.shared import check_writable, split_names, split_sizes
from headwater.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "names"),
    [(None, ()), ("", ()), ("a", ("a",)), ("a, b,,c ", ("a", "b", "c")), ("two words,x", ("two words", "x"))],
)
def test_names_stand_between_commas(text, names):
    assert split_names(text) == names


@pytest.mark.parametrize(("text", "sizes"), [("64,32", (64, 32)), (" 8 ", (8,)), ("0", ())])
def test_sizes_stand_between_commas(text, sizes):
    assert split_sizes(text) == sizes


@pytest.mark.parametrize("text", ["", "64,", "64,0", "-3", "a", "1.5"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigError, match="expected layer sizes such as 64,32"):
        split_sizes(text)


def test_a_file_that_cannot_be_written_is_found_out_beforehand(tmp_path):
    check_writable(tmp_path / "m.hw", "--model")
    with pytest.raises(ConfigError, match="got a folder"):
        check_writable(tmp_path, "--model")
    with pytest.raises(ConfigError, match="got no folder"):
        check_writable(tmp_path / "no" / "m.hw", "--model")


def test_python_m_headwater_is_the_command(tmp_path):
    def said(*tokens):
        done = subprocess.run(
            [sys.executable, "-m", "headwater", *tokens], check=False, capture_output=True, text=True, cwd=tmp_path
        )
        return done.returncode, done.stdout, done.stderr

    assert said("--version") == (0, headwater.__version__ + "\n", "")
    status, _, error = said("show", "none.hw")
    assert status == 2
    assert "none.hw" in error
    assert "Traceback" not in error


def test_main_stays_the_function_after_a_command_has_run(capsys):
    assert main(["--version"]) == 0
    assert headwater.cli.main is main
