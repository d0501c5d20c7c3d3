"""The software bill of materials."""

import hashlib

from deploy import sbom
from tests.stage import ROOT


def test_bill_lists_every_place_with_its_packages_and_the_models() -> None:
    bill = sbom.render()
    parts = {part["bom-ref"]: part for part in bill["components"]}

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    layer = {one["name"]: one for one in parts["layer of the Lambdas"]["components"]}
    assert layer["numpy"]["purl"] == f"pkg:pypi/numpy@{layer['numpy']['version']}"
    assert layer["numpy"]["licenses"]
    assert parts["containers that serve"]["name"] == "pytorch-inference"
    page = {one["purl"] for one in parts["page"]["components"]}
    assert any(purl.startswith("pkg:npm/%40protobufjs/") for purl in page)
    graph = (ROOT / "chalicelib" / "models" / "chest-xray" / "model.onnx").read_bytes()
    assert parts["model/chest-xray"]["hashes"][0]["content"] == hashlib.sha256(graph).hexdigest()


def test_references_are_unique() -> None:
    bill = sbom.render()
    references = [part["bom-ref"] for part in bill["components"]]
    references += [one["bom-ref"] for part in bill["components"] for one in part.get("components", ())]

    assert len(set(references)) == len(references)
