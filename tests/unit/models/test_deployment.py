"""Deployments of model versions."""

from dataclasses import replace

from chalicelib.models.deployment import Deployment

DEPLOYED = Deployment("2", "a" * 64, "endpoint", "1", "2026-01-01", "config")


def test_configuration_is_that_of_the_endpoint_of_the_deployment() -> None:
    assert DEPLOYED.config_on("endpoint") == "config"
    assert DEPLOYED.config_on("another") is None
    assert replace(DEPLOYED, endpoint=None, config=None).config_on("endpoint") is None


def test_same_version_in_the_same_place_is_the_same_at_any_time() -> None:
    assert DEPLOYED.is_same_as(replace(DEPLOYED, since="2026-02-01", previous="0"))
    for change in ({"version": "3"}, {"endpoint": None}, {"config": "another"}, {"sha256": "b" * 64}):
        assert not DEPLOYED.is_same_as(replace(DEPLOYED, **change)), change


def test_current_and_previous_version_have_been_deployed() -> None:
    assert [DEPLOYED.has_deployed(version) for version in ("2", "1", "3", None)] == [True, True, False, False]
    assert not replace(DEPLOYED, previous=None).has_deployed(None)
