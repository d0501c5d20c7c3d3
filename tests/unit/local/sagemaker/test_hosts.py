"""The hosts of a job, and their shares of its data."""

from ipaddress import ip_address

from local.sagemaker import hosts


def test_only_host_has_sagemakers_name() -> None:
    assert hosts.names("job", 1) == ["algo-1"]


def test_several_hosts_have_addresses_of_their_own_on_loopback() -> None:
    first, other = hosts.names("job", 3), hosts.names("other", 3)

    assert all(ip_address(host).is_loopback for host in first)
    assert len({*first, *other}) == 6
    assert hosts.names("job", 3) == first
    assert hosts.description(first[1], first)["current_host"] == first[1]


def test_sharded_data_are_dealt_and_other_data_are_copied() -> None:
    sharded = {"S3DataDistributionType": "ShardedByS3Key"}

    assert [hosts.shard([1, 2, 3], sharded, number, 2) for number in (0, 1)] == [[1, 3], [2]]
    assert hosts.shard([1, 2, 3], {}, 1, 2) == [1, 2, 3]
