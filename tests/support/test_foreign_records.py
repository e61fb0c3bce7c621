"""The bytes that chaos writes into the log are those of ours, and its rule is the log's."""

import dataclasses
import random

from foreign_records import ForeignRecords, Group, Open, Rule, whole

# One of the records that must be read for ever (src/wire/events/record_codec_test.cpp).
KNOWN = bytes.fromhex(
    "02024847464544434241e80300000000000001000000000000000500"
    "88c0e285e36805000000000000000100000000000000060000000000000030c3cca29e53cd77")
LOG = (7, 8)


def opened(after, nonce, **other):
    return Open(**{"log": LOG, "generation": 1, "after": after, "nonce": nonce, "clock": 5, **other})


def test_bytes_are_those_of_our_records():
    assert whole(KNOWN) and not whole(KNOWN[:-1])
    found = Group.read(KNOWN)
    assert (found.term, found.first, found.count) == (0x4142434445464748, 1_000, 1)
    assert found.record() == KNOWN
    many = opened(1, 2, generation=300)
    assert dataclasses.replace(Open.read(many.record()), clock=5) == many


def test_the_rule():
    rule = Rule()
    first = Group(2, 1, 3, b"x")
    assert not rule.counts(first.record())
    assert not rule.counts(opened(1, 2).record())
    assert rule.counts(opened(0, 2).record())
    assert not rule.counts(opened(0, 3).record())
    assert not rule.counts(opened(2, 3, log=(7, 9)).record())
    assert not rule.counts(opened(2, 3, generation=0).record())
    assert rule.counts(first.record()) and rule.last == 3
    assert not rule.counts(first.record())
    assert not rule.counts(Group(2, 5, 1, b"x").record())
    assert not rule.counts(Group(1, 4, 1, b"x").record())
    assert rule.counts(opened(2, 3).record())
    assert rule.counts(Group(3, 4, 1, b"x").record()) and rule.last == 4
    assert not rule.counts(None) and not rule.counts(b"") and not rule.counts(b"junk" * 9)


def test_what_must_not_count_does_not():
    for seed in range(50):
        foreign = ForeignRecords.__new__(ForeignRecords)  # Without a broker.
        foreign.draw, foreign.rule = random.Random(seed), Rule()
        foreign.terms, foreign.groups = [2, 3], [Group(3, at, 2, bytes(40)) for at in range(1, 21, 2)]
        for record in [opened(0, 2).record(), opened(2, 3).record()] + [
                each.record() for each in foreign.groups]:
            assert foreign.rule.counts(record)
        term, last = foreign.rule.term, foreign.rule.last
        for record in foreign.of_no_account() + foreign.opens_of_no_account():
            assert not foreign.rule.counts(record)
        assert (term, last) == (foreign.rule.term, foreign.rule.last)
