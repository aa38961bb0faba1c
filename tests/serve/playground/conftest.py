"""The playground as files, as the site of the documents has it, and what its worker does, in Node."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from tools.build.targets import NODE

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder with the playground, and nothing else of the site."""
    if find_spec("ziglang") is None:
        pytest.skip("no ziglang, which builds the WebAssembly; pip install ziglang")
    from website import playground

    folder = tmp_path_factory.mktemp("site")
    playground.write(folder)
    (folder / "index.html").write_text("<!doctype html><title>site</title>")
    (folder / "package.json").write_text('{"type": "module"}')  # so that Node takes .js for modules
    return folder


@pytest.fixture(scope="session")
def node(site):
    """A function that does tasks in one run of Node."""
    if shutil.which("node") is None:
        pytest.skip("no Node; apt-get install nodejs")

    def run(*tasks):
        command = [*NODE, str(Path(__file__).with_name("tasks.mjs")), str(site)]
        done = subprocess.run(
            command, input=json.dumps(tasks), capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
