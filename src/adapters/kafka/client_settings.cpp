#include "adapters/kafka/client_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace market::kafka {
namespace {

constexpr std::array common{
    Setting{"socket.timeout.ms", "1000",
            "a connection without an answer for a second is dropped (default: a minute)"},
    Setting{"socket.connection.setup.timeout.ms", "1000",
            "a host that is gone is noticed as fast (default: 30 s)"},
    Setting{"socket.keepalive.enable", "true", "an idle connection that was cut is found by the system, too"},
    Setting{"socket.nagle.disable", "true", "a group is one write, and somebody waits for it"},
    Setting{"reconnect.backoff.ms", "20", "a broker that restarts is found again at once"},
    Setting{"reconnect.backoff.max.ms", "250", "and stays found soon when it takes longer (default: 10 s)"},
    Setting{"retry.backoff.ms", "50", "between tries of one request"},
    Setting{"topic.metadata.refresh.interval.ms", "1000",
            "another leader is noticed though the old one is silent"},
    Setting{"topic.metadata.refresh.fast.interval.ms", "50",
            "and asked for again quickly while there is none"},
    Setting{"metadata.max.age.ms", "5000", "a leader's address is not believed for long"},
    Setting{"broker.address.ttl", "1000", "a broker may come back at another address"},
    Setting{"allow.auto.create.topics", "false", "the log's topic needs settings of its own"},
    Setting{"log.connection.close", "false", "idle connections end without a line in the log"},
};
constexpr std::array producer{
    Setting{"acks", "all", "what is read back must be on every replica in sync"},
    Setting{"enable.idempotence", "false",
            "duplicates and gaps are judged by the log's rule; it only adds fatal errors"},
    Setting{"max.in.flight.requests.per.connection", "1", "one group is in flight at most, in order"},
    Setting{"linger.ms", "0", "the group is gathered already"},
    Setting{"message.timeout.ms", "0", "the log's own deadline decides, and takes back what is not sent"},
    Setting{"request.timeout.ms", "1000", "as socket.timeout.ms, for the acknowledgement"},
    Setting{"message.max.bytes", "1048576", "a group is 512 KiB at most; the topic allows as much"},
    Setting{"compression.codec", "none", "groups are binary and small; time counts"},
    Setting{"queue.buffering.max.messages", "512", "public events go many to a request"},
    Setting{"queue.buffering.max.kbytes", "16384", "nothing piles up behind a broker that is away"},
};
constexpr std::array consumer{
    Setting{"auto.offset.reset", "error", "a log that lost its start or end is an alarm, never a jump"},
    Setting{"fetch.min.bytes", "1", "the broker answers with the first record"},
    Setting{"fetch.wait.max.ms", "250", "and says at least this often that there is none"},
    Setting{"fetch.error.backoff.ms", "50", "after an error the next try comes soon (default: 500 ms)"},
    Setting{"fetch.message.max.bytes", "131072",
            "a follower's step reads little; a larger group comes whole anyway"},
    Setting{"queued.min.messages", "1000000",
            "never met: librdkafka fetches nothing for a second then (its issue 2879); bytes are the bound"},
    Setting{"queued.max.messages.kbytes", "32768", "memory of a reader that is behind"},
    Setting{"check.crcs", "true", "a damaged batch is found where it arrives"},
    Setting{"enable.partition.eof", "false", "who waits for what comes is not woken by the end"},
    Setting{"isolation.level", "read_uncommitted", "there are no transactions in the log"},
};
constexpr std::array end_reader{
    Setting{"enable.partition.eof", "true",
            "the last offsets may be a stranger's transaction marks, which are no messages"},
};
constexpr std::array topic{
    TopicSetting{"cleanup.policy", "delete", Demand::must, "compaction would take records out of the log"},
    TopicSetting{"retention.ms", "-1", Demand::must, "the log is the truth: it is never trimmed"},
    TopicSetting{"retention.bytes", "-1", Demand::must, "likewise"},
    TopicSetting{"unclean.leader.election.enable", "false", Demand::must,
                 "a replica behind would cut what counted"},
    TopicSetting{"message.timestamp.type", "LogAppendTime", Demand::should,
                 "the broker's clock is the witness of ours"},
    TopicSetting{"max.message.bytes", "1048588", Demand::should, "a group is 512 KiB at most"},
};

}  // namespace

std::span<const Setting> common_settings() {
  return common;
}
std::span<const Setting> producer_settings() {
  return producer;
}
std::span<const Setting> consumer_settings() {
  return consumer;
}
std::span<const Setting> end_reader_settings() {
  return end_reader;
}
std::span<const TopicSetting> topic_settings() {
  return topic;
}

std::string trouble_with(const std::string& name) {
  constexpr std::array<std::string_view, 3> ours{"bootstrap.servers", "metadata.broker.list", "group.id"};
  const auto is_it = [&](const auto& setting) { return setting.name == name; };
  if (std::any_of(common.begin(), common.end(), is_it) ||
      std::any_of(producer.begin(), producer.end(), is_it) ||
      std::any_of(consumer.begin(), consumer.end(), is_it) ||
      std::find(ours.begin(), ours.end(), name) != ours.end())
    return fmt::format("{} cannot be set: the log needs its own", name);
  return {};
}

}  // namespace market::kafka
