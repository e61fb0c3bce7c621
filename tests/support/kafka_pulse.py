"""Whether the machine lets Kafka answer: one question each 100 ms, and the longest that one has taken. Where
nobody has broken anything, a second without an answer is the machine's."""

import threading
import time


class KafkaPulse:
    def __init__(self, brokers, topic="market.log"):
        import confluent_kafka as kafka
        self.part = kafka.TopicPartition(topic, 0)
        self.reader = kafka.Consumer({"bootstrap.servers": brokers, "group.id": "pulse", "log_level": 0})
        self.longest, self.ends = 0.0, False
        self.asked = None
        self.thread = threading.Thread(target=self._ask, daemon=True)
        self.thread.start()

    def begin(self):
        self.longest = 0.0

    def silence(self):
        """Seconds since begin(), also of a question that is open."""
        asked = self.asked
        return max(self.longest, time.monotonic() - asked if asked else 0)

    def close(self):
        self.ends = True
        self.thread.join()
        self.reader.close()

    def _ask(self):
        while not self.ends:
            began = self.asked = time.monotonic()
            try:
                self.reader.get_watermark_offsets(self.part, timeout=2)
            except Exception:  # noqa: BLE001  Away: as long as it took.
                pass
            self.asked = None
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.1)
