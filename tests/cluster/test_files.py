"""The files of a cluster that the how-to hands out hold what Ray and Kubernetes take."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra ray: pip install headwater[ray]")
FILES = Path(__file__).parents[2] / "examples" / "cluster"

SCHEMA = json.loads(Path(__file__).with_name("raycluster.schema.json").read_text(encoding="utf-8"))


def loaded(name: str) -> dict:
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


def test_the_file_for_ray_up_fits_the_schema_that_ray_ships():
    jsonschema = pytest.importorskip("jsonschema")
    ray = find_spec("ray")
    if ray is None:
        pytest.skip("the extra ray is not installed: pip install headwater[ray]")
    schema = Path(ray.origin).parent / "autoscaler" / "ray-schema.json"
    config = loaded("nodes.yaml")
    local = {name: config[name] for name in config if name != "min_workers"}  # of the provider local only
    jsonschema.validate(local, json.loads(schema.read_text(encoding="utf-8")))
    assert config["min_workers"] <= config["max_workers"] == len(config["provider"]["worker_ips"])


def test_the_pods_of_the_manifest_fit_the_schema_of_kubernetes():
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate").validate
    spec = loaded("raycluster.yaml")["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, **group["template"]}
        validate(pod, "1.30", strict=True)


def test_the_manifest_fits_the_fields_that_kuberay_reads():
    validate = pytest.importorskip("jsonschema").validate
    manifest = loaded("raycluster.yaml")
    validate(manifest, SCHEMA)
    for group in manifest["spec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"apiVersion": "ray.io/v1alpha1"}, "ray.io/v1"),
        ({"spec": {}}, "headGroupSpec"),
        (
            {"spec": {"headGroupSpec": {"rayStartParams": {"num-cpus": 0}, "template": {"spec": {"containers": []}}}}},
            "string",
        ),
        ({"spec": {"headGroupSpec": {"rayStartParams": {}, "template": {"spec": {}}}}}, "containers"),
        ({"sepc": {}}, "sepc"),
    ],
)
def test_a_manifest_with_a_slip_of_the_pen_does_not_fit(wrong, said):
    jsonschema = pytest.importorskip("jsonschema")
    with pytest.raises(jsonschema.ValidationError, match=said):
        jsonschema.validate(loaded("raycluster.yaml") | wrong, SCHEMA)
