"""Processes that train together: who computes what, and when the base is shared out."""

import pytest

from codetune.training.world import ALONE, World, join


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("items", [1, 4, 5])
def test_all_is_shared_once_and_all_compute_as_often_where_weights_are_shared(size, items):
    worlds = [World(rank, size, sharded=True) for rank in range(size)]
    batches = list(range(items))
    assert sorted(item for world in worlds for item in world.share(batches)) == batches
    assert len({len(world.share(batches) + world.dummy_batches(batches)) for world in worlds}) == 1
    assert all(World(rank, size).dummy_batches(batches) == [] for rank in range(size))


def test_one_process_is_alone_on_its_device(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join("cpu") == ALONE
    assert join("cuda") == World(device="cuda")


@pytest.mark.parametrize(
    ("environment", "sharded"),
    [
        ({}, False),
        ({"ACCELERATE_USE_FSDP": "true"}, True),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_SHARDING_STRATEGY": "FULL_SHARD"}, True),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_SHARDING_STRATEGY": "NO_SHARD"}, False),
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}, False),
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}, True),
    ],
)
def test_launcher_says_whether_the_base_is_shared_out(monkeypatch, environment, sharded):
    class State:
        process_index, num_processes, device = 1, 2, "cuda:1"

    monkeypatch.setattr("accelerate.PartialState", lambda **_: State)
    for key, value in (environment | {"WORLD_SIZE": "2"}).items():
        monkeypatch.setenv(key, value)
    assert join("cpu") == World(1, 2, "cpu", sharded)
    assert join("cuda") == World(1, 2, "cuda:1", sharded)
