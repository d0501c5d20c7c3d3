"""The state machine of a batch: generated, valid, and of parts that a Lambda can finish."""

import json
import re
from pathlib import Path

from chalicelib.batches.part import READERS, TRIES
from chalicelib.pipeline.decoder import IN_THE_BACKGROUND
from statemachine.batch import DEFINITION, PART_IMAGES
from tests.cloud import BATCHES, template
from tests.stage import ROOT
from tests.unit.statemachine.test_definition import lint

FILE = ROOT / "statemachine" / "batch.asl.json"
MAPS = {name: state for name, state in DEFINITION["States"].items() if state["Type"] == "Map"}


def test_definition_that_is_deployed_is_current() -> None:
    assert FILE.read_text() == json.dumps(DEFINITION, indent=2) + "\n", "run `make generate`"


def test_definition_is_valid_with_the_substitutions_of_the_template(tmp_path: Path) -> None:
    text = FILE.read_text()
    properties = template(BATCHES)["Resources"]["StateMachine"]["Properties"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == properties["DefinitionSubstitutions"].keys()
    assert "arn:aws" not in text, "China and GovCloud are partitions of their own"
    filled = text.replace("${Partition}", "aws").replace("${DataBucket}", "bucket")
    filled = re.sub(r"\$\{\w+\}", "arn:aws:lambda:eu-central-1:123456789012:function:x", filled)

    assert lint(filled, tmp_path) == []
    assert lint(filled.replace('"ItemReader"', '"ItemReeder"'), tmp_path) != []


def test_each_source_is_read_in_the_same_way() -> None:
    assert len(MAPS) == 3
    for state in MAPS.values():
        (part,) = state["ItemProcessor"]["States"].values()
        assert part["Retry"]
        assert state["MaxConcurrencyPath"] == "$.concurrency"
    read = {state["ItemReader"].get("ReaderConfig", {}).get("InputType") for state in MAPS.values()}
    assert read == {None, "CSV", "MANIFEST"}


def test_lambda_has_time_for_a_part_of_which_every_image_takes_as_long_as_it_may() -> None:
    seconds = IN_THE_BACKGROUND.answer * TRIES * -(-PART_IMAGES // READERS)
    limits = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]["batch"]

    assert seconds < limits["lambda_timeout"] <= 900
