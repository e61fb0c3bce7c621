"""Faults of the log's topic: what others write into it, and what the broker does not take any more."""

import asyncio
import time

from foreign_records import ForeignRecords
from stack_tools import Tools

TOPIC = "market.log"


class Topic(Tools):
    async def groups_come_again_in_kafka(self):
        """What the log has, twice, newest first and oldest first: none of it counts."""
        await self._in_thread(self._write_again)

    async def foreign_bytes_in_kafka(self):
        junk = [b"junk", b"", None, bytes(900_000), b"\x02\x01" + bytes(60), b"\xff" * 64]
        await self._in_thread(self._foreign, lambda foreign: foreign.write(junk))

    async def groups_of_no_account_in_kafka(self):
        """Behind holes, of older and newer terms, again, damaged: in the middle of the sale, many times."""
        await self._in_thread(self._foreign, self._write_for_a_while, "of_no_account")

    async def opens_of_no_account_in_kafka(self):
        """Of another log, behind another term, and with groups of their terms."""
        await self._in_thread(self._foreign, self._write_for_a_while, "opens_of_no_account")

    async def term_of_nobody_in_kafka(self):
        """An Open that counts, of somebody who does not write: the writer steps down, and another follows the
        silence. It names nobody, or somebody who is not there, or one who knows nothing of it."""
        others = (await self.writer())[1]  # Of two one may have been killed meanwhile.
        door = f"127.0.0.1:{self.stack.doors[self.draw.choice(others)]}"
        address = self.draw.choice(["", "127.0.0.1:9", "no address", door])
        await self._in_thread(self._foreign, lambda foreign: foreign.write([foreign.term_of_nobody(address)]))

    # --- what the broker does not take ---

    async def kafka_takes_small_records_alone(self):
        """Signs of life and Opens are small enough, groups of several orders are not."""
        await self._in_thread(self._largest_record, 250)
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 4))
        finally:
            await self._in_thread(self._largest_record, 1_048_588)

    async def kafka_forbids_writing(self):
        await self._in_thread(self._forbid)
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 4))
        finally:
            await self._in_thread(self._allow)

    def _admin(self):
        from confluent_kafka import admin
        return admin, admin.AdminClient({"bootstrap.servers": f"127.0.0.1:{self.stack.port('kafka')}"})

    def _largest_record(self, size):
        admin, client = self._admin()
        setting = admin.ConfigEntry("max.message.bytes", str(size),
                                    incremental_operation=admin.AlterConfigOpType.SET)
        topic = admin.ConfigResource(admin.ResourceType.TOPIC, TOPIC, incremental_configs=[setting])
        for done in client.incremental_alter_configs([topic]).values():
            done.result(10)

    def _forbid(self):
        admin, client = self._admin()
        rules = [admin.AclBinding(admin.ResourceType.TOPIC, TOPIC, admin.ResourcePatternType.LITERAL,
                                  "User:*", "*", operation, permission)
                 for operation, permission in ((admin.AclOperation.ALL, admin.AclPermissionType.ALLOW),
                                               (admin.AclOperation.WRITE, admin.AclPermissionType.DENY))]
        for done in client.create_acls(rules).values():
            done.result(10)

    def _allow(self):
        admin, client = self._admin()
        rules = admin.AclBindingFilter(admin.ResourceType.TOPIC, TOPIC, admin.ResourcePatternType.LITERAL,
                                       None, None, admin.AclOperation.ANY, admin.AclPermissionType.ANY)
        for done in client.delete_acls([rules]).values():
            done.result(10)

    # --- tools ---

    def _foreign(self, act, *arguments):
        act(self.stack.foreign(), *arguments)

    def _write_for_a_while(self, foreign, what):
        end = time.monotonic() + self.draw.uniform(0.5, 1.5)
        foreign.draw = self.draw
        while time.monotonic() < end:
            foreign.look()
            foreign.write(getattr(foreign, what)())

    def _write_again(self):
        foreign = self.stack.foreign()
        foreign.look()
        values = [group.record() for group in foreign.groups[-60:]]
        foreign.write([*reversed(values), *values])
