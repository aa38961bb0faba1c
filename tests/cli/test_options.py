"""What several commands do with their options."""

import pytest

from headwater.cli.options import check_writable, split_names, split_sizes
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
