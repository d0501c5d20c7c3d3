"""The deployment that there is to go back to."""

import pytest

from deploy import history, retraining
from tests.stage import BUCKET


def test_last_complete_deployment_is_known(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "commit", lambda: "c0ffee" * 6 + "0000")
    assert history.last(BUCKET) is None
    assert history.way_back("prod", None) == ""

    history.record(BUCKET)

    last = history.last(BUCKET)
    assert last
    assert last["packages"] == history.packages()
    assert history.way_back("prod", last) == "", "it is what is being deployed"
    monkeypatch.setattr(retraining, "commit", lambda: "beef")
    assert "git checkout c0ffeec0ffee && make deploy STAGE=prod" in history.way_back("prod", last)
    dirty = history.way_back("prod", {**last, "commit": f"{last['commit']}-dirty"})
    assert "c0ffeec0ffee (with changes that were not committed)" in dirty
    assert history.way_back("prod", {**last, "commit": ""}) == ""
