"""Files behind an address are read as files are, and what can't be reached is said in a sentence without secrets."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

import headwater as hw
from headwater.errors import MissingExtra, SourceError
from headwater.streams.files import remote
from headwater.streams.readers import delta
from support.web import buckets, web_server

CSV = b"a,late\n" + b"".join(b"%d,%s\n" % (i, b"yes" if i % 3 else b"no") for i in range(2_000))
SUM = sum(range(2_000))


def total(source, **options):
    with hw.read(source, target="late", **options) as stream:
        blocks = list(stream.blocks())
        return sum(x["a"] for block in blocks for x in block.X), stream.name


def parquet():
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(2_000)), "late": ["yes"] * 2_000}), file)
    return file.getvalue()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_web_server_with_and_without_ranges_gives_the_rows_of_the_file(ranges):
    pytest.importorskip("aiohttp")
    files = {"day.csv": CSV, "day.csv.gz": gzip.compress(CSV), "day.parquet": parquet()}
    with web_server(files, ranges=ranges) as address:
        for name in files:
            assert total(f"{address}/{name}") == (SUM, f"{address}/{name}")
        both = total([f"{address}/day.csv", f"{address}/day.csv.gz"])
    assert both == (2 * SUM, f"{address}/day.csv and 1 more")


def test_a_workbook_is_read_from_an_address():
    pytest.importorskip("aiohttp")
    pytest.importorskip("python_calamine")
    book = pytest.importorskip("openpyxl").Workbook()
    for row in (["a", "late"], [1, "yes"], [2, "no"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    with web_server({"a.xlsx": file.getvalue()}) as address:
        assert total(f"{address}/a.xlsx") == (3.0, f"{address}/a.xlsx")


def test_a_query_which_may_be_a_signature_is_never_shown(tmp_path):
    pytest.importorskip("aiohttp")
    with web_server({"day.csv": CSV}, closed=403) as address:
        assert total(f"{address}/day.csv?signature=5ecret") == (SUM, f"{address}/day.csv")
        with pytest.raises(SourceError) as caught:
            hw.read(f"{address}/closed?signature=5ecret", target="late")
        command = [sys.executable, "-m", "headwater", "learn", f"{address}/day.csv?signature=5ecret", "-t", "late"]
        command += ["--model", str(tmp_path / "m.hw"), "--limit", "500", "--hidden", "2"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        again = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True)
    assert "the status 403" in str(caught.value)
    assert "5ecret" not in str(caught.value) + done.stdout + done.stderr + again.stdout + again.stderr
    assert b"5ecret" not in (tmp_path / "m.hw").read_bytes()
    assert "Its first 500 rows, learned before, are left out" in again.stdout


def test_what_is_not_there_or_answers_nothing_is_a_sentence():
    pytest.importorskip("aiohttp")
    with web_server({}) as address, pytest.raises(SourceError, match=r"no such file — at .*/a\.csv"):
        hw.read(f"{address}/a.csv", target="late")
    with pytest.raises(SourceError, match="expected an address that can be read"):
        hw.read(f"{address}/a.csv", target="late")
    with pytest.raises(SourceError, match=r"such as s3://, gs://, https://, delta://, got nowhere://"):
        hw.read("nowhere://a.csv", target="late")


@pytest.fixture
def s3(monkeypatch):
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    import boto3
    import fsspec

    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="flights")
    yield client
    server.stop()


def test_a_bucket_of_s3_gives_files_folders_and_patterns(s3):
    s3.put_object(Bucket="flights", Key="2024/01.csv", Body=CSV)
    s3.put_object(Bucket="flights", Key="2024/02.csv.gz", Body=gzip.compress(CSV))
    s3.put_object(Bucket="flights", Key="2024/readme.md", Body=b"no rows")
    assert total("s3://flights/2024/01.csv") == (SUM, "s3://flights/2024/01.csv")
    assert total("s3://flights/2024") == (2 * SUM, "s3://flights/2024/01.csv and 1 more")
    assert total("s3://flights/2024/*.gz") == (SUM, "s3://flights/2024/02.csv.gz")
    with pytest.raises(SourceError, match=r"no such file — at s3://flights/2023/01\.csv"):
        hw.read("s3://flights/2023/01.csv", target="late")
    with pytest.raises(SourceError, match=r"expected files that end in .*got none"):
        hw.read("s3://flights/2024/*.md", target="late")


def test_a_table_in_a_bucket_of_s3_is_read_and_its_folder_is_named_as_one(s3):
    pa, deltalake = pytest.importorskip("pyarrow"), pytest.importorskip("deltalake")
    options = {"aws_s3_allow_unsafe_rename": "true"}
    deltalake.write_deltalake("s3://flights/t", pa.table({"a": [1, 2], "late": ["y", "n"]}), storage_options=options)
    assert total("delta://s3://flights/t") == (3, "delta://s3://flights/t")
    with pytest.raises(SourceError, match=r"a table of Delta Lake .* Read delta://s3://flights/t"):
        hw.read("s3://flights/t", target="late")


def test_a_bucket_of_google_gives_files_and_folders():
    pytest.importorskip("gcsfs")
    program = (
        "import headwater as hw\n"
        "for source in ('gs://flights/2024/01.csv', 'gs://flights/2024/*.csv', 'gs://flights/2024'):\n"
        "    with hw.read(source, target='late') as stream:\n"
        "        print(sum(int(x['a']) for x, y in stream), stream.name)\n"
    )
    with buckets({"flights/2024/01.csv": CSV, "flights/2024/02.csv": CSV}) as address:
        # The experimental client asks another service, by gRPC, what kind of bucket this is.
        own = {
            "STORAGE_EMULATOR_HOST": address,
            "FSSPEC_GS_TOKEN": "anon",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | own)
    both = f"{2 * SUM} gs://flights/2024/01.csv and 1 more"
    assert done.stdout.splitlines() == [f"{SUM} gs://flights/2024/01.csv", both, both]


def test_a_table_of_delta_lake_is_read_in_the_order_in_which_it_was_written(tmp_path):
    pa, deltalake = pytest.importorskip("pyarrow"), pytest.importorskip("deltalake")
    for day in range(3):
        rows = pa.table({"a": [10 * day, 10 * day + 1], "late": ["yes", "no"], "part": [str(day % 2)] * 2})
        deltalake.write_deltalake(tmp_path, rows, mode="append", partition_by=["part"])
    deltalake.DeltaTable(tmp_path).delete("a = 1")
    with hw.read(f"delta://{tmp_path}", target="late") as stream:
        rows = [(x["a"], x["part"], y) for x, y in stream]
    assert sorted(rows) == [(0, "0", "yes"), (10, "1", "yes"), (11, "1", "no"), (20, "0", "yes"), (21, "0", "no")]
    assert [a for a, _, _ in rows if a >= 10] == [10, 11, 20, 21]
    with pytest.raises(SourceError, match=r"got a table of Delta Lake — at .* Read delta://"):
        hw.read(tmp_path, target="late")
    with pytest.raises(SourceError, match="expected a table of Delta Lake"):
        hw.read("delta:///no/such/table", target="late")


@pytest.mark.parametrize(
    ("address", "missing", "sentence"),
    [
        ("s3://b/a.csv", "s3fs", "expected the package s3fs, got none — at s3://b/a.csv. Run: pip install 'headwater[s3]'"),
        ("gs://b/a.csv", "gcsfs", "the package gcsfs, got none — at gs://b/a.csv. Run: pip install 'headwater[gcs]'"),
        ("https://h/a.csv", "aiohttp", "the package aiohttp, got none — at https://h/a.csv. Run: pip install 'headwater[http]'"),
        ("https://h/a.csv", "fsspec", "the package fsspec, got none — at https://h/a.csv. Run: pip install 'headwater[http]'"),
        ("delta://t", "deltalake", "the package deltalake, got none — at delta://t. Run: pip install 'headwater[delta]'"),
    ],
)  # fmt: skip
def test_an_address_whose_package_is_missing_names_the_extra(monkeypatch, address, missing, sentence):
    for module in (remote, delta):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == missing else find_spec("json"))
    with pytest.raises(MissingExtra) as caught:
        hw.read(address, target="late")
    assert sentence in str(caught.value)
