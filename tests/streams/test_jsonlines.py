"""JSON lines: objects become rows, anything else is rejected."""

import json

import pytest

from headwater.errors import SourceError, TargetError
from headwater.streams import read


def rows_of(path, **options):
    with read(path, **{"target": "y", **options}) as stream:
        blocks = list(stream.blocks())
    return (
        [x for b in blocks for x in b.X],
        [y for b in blocks for y in b.y],
        [n for b in blocks for n in b.rows],
        stream,
    )


def write(path, *lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_objects_become_rows_and_objects_inside_become_dotted_names(tmp_path):
    path = write(
        tmp_path / "a.jsonl", '{"a": 1, "u": {"age": 3, "at": {"x": null}}, "y": true}', '{"b": [1, 2], "y": false}'
    )
    rows, y, numbers, _ = rows_of(path)
    assert rows == [{"a": 1, "u.age": 3, "u.at.x": None}, {"b": [1, 2]}]
    assert y == [True, False]
    assert numbers == [1, 2]


def test_broken_lines_and_lines_that_are_no_object_are_counted(tmp_path):
    path = write(
        tmp_path / "a.jsonl", '{"a": 1, "y": 0}', '{"a": 1,', "", "[1, 2]", "null", '"text"', '{"a": 2, "y": 1}'
    )
    rows, y, numbers, stream = rows_of(path, allow_rejects=1)
    assert rows == [{"a": 1}, {"a": 2}]
    assert y == [0, 1]
    assert numbers == [1, 6]
    assert stream.rejects.counts == {"broken JSON": 1, "not a JSON object": 3}
    assert stream.rejects.places == {"broken JSON": [2], "not a JSON object": [4, 5, 6]}


@pytest.mark.parametrize("columns", [1, 40])
def test_a_line_that_has_a_name_twice_is_counted_and_left_out(tmp_path, columns):
    more = {f"b{i}": i for i in range(columns)}
    good = json.dumps({"a": "a", "列": 1, 'q"': 2, "inside": {"a": [{"a": 1}, {"a": "\\"}]}, **more, "y": 0})
    twice = [good[:-1] + f", {json.dumps(name)} : 3}}" for name in ("a", "列", 'q"', "y", "b0")]
    within = good.replace("[{", '[{"a": 3, ')
    rows, _, numbers, stream = rows_of(write(tmp_path / "a.jsonl", good, *twice, within, good), allow_rejects=1)
    assert (len(rows), numbers) == (2, [1, 8])
    assert stream.rejects.counts == {"a name twice in a JSON object": 6}


def test_nan_as_python_writes_it_is_read(tmp_path):
    path = write(tmp_path / "a.jsonl", json.dumps({"a": float("nan"), "y": 0}), '{"a": 2, "y": 1}')
    rows, _, _, stream = rows_of(path)
    assert rows[0]["a"] != rows[0]["a"]
    assert stream.rejects.counts == {}


def test_a_row_without_the_target_has_an_unknown_answer(tmp_path):
    _, y, _, _ = rows_of(
        write(tmp_path / "a.jsonl", '{"a": 1}', '{"a": 1, "y": 2.5}'), task="regress", allow_rejects=0.5
    )
    assert y == [None, 2.5]


def test_columns_can_be_dropped_or_read_as_text(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"id": 1, "flight": 42, "y": 0}', '{"flight": null, "y": 1}')
    rows, _, _, _ = rows_of(path, drop=("id",), text=("flight",))
    assert rows == [{"flight": "42"}, {"flight": None}]


def test_a_target_that_no_row_has_is_said_with_close_names(tmp_path):
    with pytest.raises(TargetError, match="Did you mean label"):
        rows_of(write(tmp_path / "a.jsonl", '{"label": 1, "a": 2}'), target="lable")


def test_one_json_array_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(SourceError, match=r"got one JSON array .* jq -c"):
        rows_of(write(tmp_path / "a.json", '[{"a": 1, "y": 0}]'))
