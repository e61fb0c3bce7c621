"""Records of the distributed log in their bytes (src/wire/events/record_codec.hpp), the log's rule, and a
producer that writes what no instance of ours has written.

    foreign = ForeignRecords("127.0.0.1:9092", random.Random(1))
    foreign.look()                        # follows the log to its end
    foreign.write(foreign.of_no_account())   # a list of records of which none may count
"""

import ctypes
import dataclasses
import struct
import time

MASK = (1 << 64) - 1
HEAD = struct.Struct("<BBQQQ")  # Format, kind, term, first, count and flags.
FORMAT, OPEN, GROUP = 2, 1, 2


def checksum(body):
    library = ctypes.CDLL("libxxhash.so.0")  # Which apt needs: it is on every Debian.
    library.XXH3_64bits.restype = ctypes.c_uint64
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return struct.pack("<Q", library.XXH3_64bits(body, len(body)))


def whole(record):
    return len(record) >= 10 and record[-8:] == checksum(record[:-8])


def varint(number):
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


@dataclasses.dataclass(frozen=True)
class Open:
    log: tuple  # Two halves of its id.
    generation: int
    after: int
    nonce: int
    clock: int  # Milliseconds.
    address: str = ""
    instance: str = ""

    def record(self):
        text = b"".join(varint(len(each)) + each.encode() for each in (self.instance, self.address))
        body = (bytes([FORMAT, OPEN]) + struct.pack("<QQ", *self.log) + varint(self.generation)
                + struct.pack("<QQ", self.after, self.nonce) + varint(self.clock << 1) + text)
        return body + checksum(body)

    @staticmethod
    def read(record):
        at, generation, shift = 18, 0, 0
        while True:
            generation |= (record[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if record[at - 1] < 0x80:
                break
        after, nonce = struct.unpack_from("<QQ", record, at)
        return Open(struct.unpack_from("<QQ", record, 2), generation, after, nonce, 0)


@dataclasses.dataclass(frozen=True)
class Group:
    term: int
    first: int
    counted: int  # The count, and above it the flags.
    events: bytes

    @property
    def count(self):
        return self.counted & 0xFFFFFFFF

    def record(self):
        body = HEAD.pack(FORMAT, GROUP, self.term, self.first, self.counted) + self.events
        return body + checksum(body)

    @staticmethod
    def read(record):
        return Group(*HEAD.unpack_from(record)[2:], record[HEAD.size:-8])


class Rule:
    """Which records count (DESIGN.md, "The log's rule"), written anew: it shares nothing with ours."""

    def __init__(self):
        self.log, self.generation, self.term, self.last = None, 0, 0, 0

    def counts(self, record):
        if record is None or not whole(record) or record[0] != FORMAT:
            return False
        if record[1] == OPEN:
            found = Open.read(record)
            stranger = self.log and (found.log != self.log or found.generation < self.generation)
            if found.after != self.term or found.nonce in (0, self.term) or stranger or found.log == (0, 0):
                return False
            self.log, self.generation, self.term = found.log, found.generation, found.nonce
            return True
        found = Group.read(record)
        if found.term != self.term or not found.term or not found.count or found.first != self.last + 1:
            return False
        self.last += found.count
        return True


def end_a_transaction(brokers, topic):
    """A record, and a mark that has an offset and is none."""
    import confluent_kafka as kafka
    writer = kafka.Producer({"bootstrap.servers": brokers, "log_level": 0, "transactional.id": topic})
    writer.init_transactions(20)
    writer.begin_transaction()
    writer.produce(topic, value=b"junk")
    writer.commit_transaction(20)


class ForeignRecords:
    def __init__(self, brokers, draw, topic="market.log"):
        import confluent_kafka as kafka
        self.draw, self.topic, self.rule = draw, topic, Rule()
        self.groups, self.terms, self.offset = [], [], 0  # Groups that count, terms that began.
        servers = {"bootstrap.servers": brokers, "log_level": 0}
        self.reader = kafka.Consumer({**servers, "group.id": "chaos", "enable.auto.commit": False,
                                      "fetch.wait.max.ms": 10})
        self.part = kafka.TopicPartition(topic, 0)
        self.reader.assign([kafka.TopicPartition(topic, 0, 0)])
        self.writer = kafka.Producer({**servers, "linger.ms": 0, "message.timeout.ms": 10_000})

    def look(self):
        """Reads on to the log's end."""
        _, end = self.reader.get_watermark_offsets(self.part, timeout=10)
        deadline = time.monotonic() + 20
        while self.offset < end:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the log cannot be read from {self.offset} to {end}")
            for message in self.reader.consume(1_000, timeout=0.05):
                if message.error():  # A broker that is away is found again.
                    continue
                self.offset, record = message.offset() + 1, message.value()
                if not self.rule.counts(record):
                    continue
                if record[1] == OPEN:
                    self.terms.append(self.rule.term)
                else:
                    self.groups = self.groups[-200:] + [Group.read(record)]

    def write(self, records):
        for record in records:
            self.writer.produce(self.topic, value=record, key=None)
        if self.writer.flush(10):
            raise RuntimeError("the topic does not take what others write")

    def close(self):
        self.reader.close()

    # --- what never counts ---

    def far(self):
        """A place that no sale comes to while this is judged."""
        return self.rule.last + self.draw.randint(20_000, 1 << 40)

    def random_term(self):
        return self.draw.randint(1, MASK)

    def older_term(self):
        return self.draw.choice(self.terms[:-1] or [self.random_term()])

    def of_no_account(self):
        """Groups behind holes and of other terms, old ones again, damaged ones: whole groups of the sale,
        with another place or term."""
        now, following = self.rule.term, self.rule.last + 1
        some = self.draw.sample(self.groups, min(len(self.groups), 8))
        again = [each.record() for each in some]
        holes = [dataclasses.replace(each, first=self.far()).record() for each in some]
        beneath = [dataclasses.replace(each, term=now, first=self.draw.randint(0, max(0, following - 2)))
                   .record() for each in some]
        old = [dataclasses.replace(each, term=self.older_term(), first=at).record()
               for each in some for at in (following, following + 1, self.far())]
        new = [dataclasses.replace(each, term=self.random_term(), first=following).record() for each in some]
        damaged = [self.damaged(dataclasses.replace(each, term=now, first=following).record())
                   for each in some]
        records = [*again, *holes, *holes, *beneath, *old, *new, *damaged]
        self.draw.shuffle(records)
        return records

    def damaged(self, record):
        """One bit is another one."""
        at = self.draw.randrange(len(record) * 8)
        return record[:at // 8] + bytes([record[at // 8] ^ 1 << at % 8]) + record[at // 8 + 1:]

    def opens_of_no_account(self):
        """Opens that do not count, each with groups of its term at the next place."""
        rule, clock = self.rule, int(time.time() * 1_000)
        usual = Open(rule.log, rule.generation, rule.term, self.random_term(), clock, "127.0.0.1:9", "none")
        stranger = tuple(self.random_term() for _ in range(2))
        opens = [dataclasses.replace(usual, log=stranger),  # Another log's.
                 dataclasses.replace(usual, log=stranger, generation=usual.generation + 1),
                 dataclasses.replace(usual, log=(0, 0)),
                 dataclasses.replace(usual, after=self.older_term()),
                 dataclasses.replace(usual, after=0),
                 dataclasses.replace(usual, nonce=rule.term),
                 dataclasses.replace(usual, nonce=0)]
        if rule.generation:
            opens.append(dataclasses.replace(usual, generation=rule.generation - 1))
        records = []
        for each in opens:
            group = self.draw.choice(self.groups)
            behind = dataclasses.replace(group, term=each.nonce, first=rule.last + 1)
            # Of the present term it could count.
            records += [each.record()] + ([behind.record()] if each.nonce != rule.term else [])
        return records

    def term_of_nobody(self, address):
        """An Open that counts; whoever it names does not know of it."""
        self.look()
        rule = self.rule
        return Open(rule.log, rule.generation, rule.term, self.random_term(), int(time.time() * 1_000),
                    address, "nobody").record()
