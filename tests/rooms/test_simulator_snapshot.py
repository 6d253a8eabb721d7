"""What a restart of the simulator keeps."""

from pathlib import Path

from rooms.chat.simulator.clock import Clock
from rooms.chat.simulator.settings import Settings
from rooms.chat.simulator.snapshot import SKIPPED_NUMBERS, Keeper
from rooms.chat.simulator.world import LIVE, Group, World


def make_world() -> World:
    return World(clock=Clock(), settings=Settings(), admins=("administrator",), seed=1)


def make_group(world: World) -> Group:
    world.import_account("anchor", "Anchor")
    group = world.add_group(group_id="room_1", group_type=LIVE, name="Room", owner="anchor")
    group.attributes["room_status"] = "on_live"
    group.last_seq = 41
    return group


def restart(path: Path) -> World:
    world = make_world()
    Keeper(world, path).restore()
    return world


def test_after_a_farewell_everything_goes_on_where_it_was(tmp_path: Path) -> None:
    path, world = tmp_path / "state.json", make_world()
    make_group(world)
    Keeper(world, path).save(is_final=True)

    restarted = restart(path)

    assert restarted.nick("anchor") == "Anchor"
    assert restarted.groups["room_1"].attributes == {"room_status": "on_live"}
    assert restarted.next_seq(restarted.groups["room_1"]) == 42


def test_a_killed_simulator_uses_no_number_twice(tmp_path: Path) -> None:
    path, world = tmp_path / "state.json", make_world()
    make_group(world)
    Keeper(world, path).save()

    assert restart(path).groups["room_1"].last_seq == 41 + SKIPPED_NUMBERS


def test_killed_again_right_after_a_start_it_jumps_again(tmp_path: Path) -> None:
    path, world = tmp_path / "state.json", make_world()
    make_group(world)
    Keeper(world, path).save(is_final=True)
    restart(path)

    assert restart(path).groups["room_1"].last_seq == 41 + SKIPPED_NUMBERS
