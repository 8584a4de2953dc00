"""The policy, without a server."""

from hookserve_memory.policy import Measured, MemoryPolicy


def workers(*sizes, first_pid=100, served=60.0):
    return [Measured(first_pid + index, index, served, size) for index, size in enumerate(sizes)]


def test_a_worker_goes_when_it_exceeds_the_limit_twice_in_a_row():
    policy = MemoryPolicy(100, 10.0)

    chosen = [
        policy.choose(workers(size), is_replacing=False)
        for size in (90, 110, 90, 110, 100, 101, 101)
    ]

    assert chosen[:-1] == [None] * 6
    assert chosen[-1].pid == 100


def test_the_biggest_goes_first_and_one_at_a_time():
    policy = MemoryPolicy(100, 10.0)
    policy.choose(workers(110, 130, 120), is_replacing=False)

    assert policy.choose(workers(110, 130, 120), is_replacing=False).index == 1
    assert policy.choose(workers(110, 130, 120), is_replacing=True) is None


def test_a_worker_is_left_alone_until_it_has_served_for_an_interval():
    policy = MemoryPolicy(100, 10.0)
    for _ in range(3):
        assert policy.choose(workers(110, served=9.0), is_replacing=False) is None

    assert policy.choose(workers(110, served=10.0), is_replacing=False) is not None


def test_a_replacement_that_exceeds_the_limit_at_once_ends_the_replacing():
    policy = MemoryPolicy(100, 10.0)
    for _ in range(2):
        policy.choose(workers(110, 120), is_replacing=False)
    new = Measured(200, 1, 1.0, 115)

    for _ in range(3):
        assert policy.choose([*workers(110), new], is_replacing=False) is None

    assert policy.useless == new


def test_replacing_goes_on_when_a_new_worker_is_below_the_limit():
    policy = MemoryPolicy(100, 10.0)
    for _ in range(2):
        policy.choose(workers(110, 120), is_replacing=False)
    policy.choose([*workers(110), Measured(200, 1, 1.0, 115)], is_replacing=False)

    chosen = policy.choose([*workers(110), Measured(300, 1, 1.0, 50)], is_replacing=False)

    assert policy.useless is None
    assert chosen.index == 0


def test_workers_that_were_there_before_are_no_replacements():
    policy = MemoryPolicy(100, 10.0)

    policy.choose(workers(110, 120), is_replacing=False)

    assert policy.useless is None


def test_a_replacement_that_grows_later_is_replaced_like_any():
    policy = MemoryPolicy(100, 10.0)
    for _ in range(2):
        policy.choose(workers(110), is_replacing=False)
    for size in (50, 110):
        assert policy.choose(workers(size, first_pid=200), is_replacing=False) is None

    assert policy.choose(workers(110, first_pid=200), is_replacing=False).pid == 200
