"""Writes a software bill of materials of what is deployed, in CycloneDX 1.6.

`make sbom` writes it to .local/sbom.json, which git ignores.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib import VERSION
from chalicelib.timestamps import now
from deploy import components, retraining
from deploy.components import Component

FILE = Path(__file__).parent.parent / ".local" / "sbom.json"
IMAGES = {"containers that train": "TrainingImage", "containers that serve": "InferenceImage"}
"""The parameter of the retraining's template that names the image of a place."""


def render() -> dict[str, Any]:
    """The bill of materials."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": now(),
            "component": {
                "type": "application",
                "bom-ref": "negatoscope",
                "name": "negatoscope",
                "version": VERSION,
                "licenses": [{"expression": "MIT"}],
                "properties": [{"name": "commit", "value": retraining.commit()}],
            },
        },
        "components": [*(_place(name, found) for name, found in components.shipped().items()), *_models()],
    }


def _place(place: str, found: list[Component]) -> dict[str, Any]:
    """A part of the deployment, with the packages in it; a container also names its image."""
    repository, _, tag = retraining.parameter_defaults().get(IMAGES.get(place, ""), "").partition(":")
    image = {"type": "container", "name": repository, "version": tag, "description": place}
    return {
        **(image if repository else {"type": "application", "name": place}),
        "bom-ref": place,
        "components": [_component(place, one) for one in found],
    }


def _component(place: str, one: Component) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"{place}/{one.purl}",
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "licenses": [{"expression": one.licence}] if one.licence else [],
    }


def _models() -> Iterator[dict[str, Any]]:
    """The bundled models."""
    for file in sorted((retraining.PROJECT / "chalicelib" / "models").glob("*/model.json")):
        model = json.loads(file.read_text(encoding="utf-8"))
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model/{model['task']}",
            "name": model["task"],
            "version": model["version"],
            "hashes": [{"alg": "SHA-256", "content": model["sha256"]}],
        }


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(render(), indent=2) + "\n", encoding="utf-8")
    print(f"Written: {FILE.relative_to(retraining.PROJECT)}")
