"""The files of a cluster that the how-to hands out hold what Ray and Kubernetes take."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra ray: pip install headwater[ray]")
FILES = Path(__file__).parents[2] / "examples" / "cluster"

GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}
"""Of KubeRay's fields those that the file may use; its own schema is in no package index."""


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


def test_the_manifest_says_what_kuberay_reads():
    manifest = loaded("raycluster.yaml")
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayCluster")
    spec = manifest["spec"]
    assert spec.keys() <= {"rayVersion", "headGroupSpec", "workerGroupSpecs"}
    assert spec["headGroupSpec"].keys() <= GROUP
    for group in spec["workerGroupSpecs"]:
        assert group.keys() == GROUP
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    params = [group["rayStartParams"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])]
    assert all(isinstance(value, str) for one in params for value in one.values())
