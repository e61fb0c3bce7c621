#include "adapters/kafka/event_topic.hpp"

#include <fmt/format.h>

namespace market::kafka {
namespace {

using Steady = std::chrono::steady_clock;

}  // namespace

KafkaEventTopic::KafkaEventTopic(EventTopicSettings settings)
    : settings_(std::move(settings)), delivered_([this](rd_kafka_resp_err_t error) {
        --on_their_way_;
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) refused_ = error;
      }) {}

Task<> KafkaEventTopic::publish(std::vector<TopicMessage> messages) {
  return pool_.run([this, messages = std::move(messages)]() -> Result<> {
    try {
      auto sent = send(messages);
      if (!sent) {  // The next try begins afresh: the topic may have been made anew.
        topic_.reset();
        producer_.reset();
      }
      return sent;
    } catch (const std::runtime_error& error) {
      return fail(Code::unavailable, error.what());
    }
  });
}

Task<bool> KafkaEventTopic::is_new() {
  return pool_.run([this]() -> Result<bool> {
    try {
      connect();
    } catch (const std::runtime_error& error) {
      return fail(Code::unavailable, error.what());
    }
    constexpr int answer_ms = 2'000;
    const auto found = watermarks_of(producer_, settings_.topic, answer_ms);
    if (!found)
      return fail(Code::unavailable,
                  fmt::format("Kafka does not say where the public events end: {}", found.error().detail));
    return found->high == 0;
  });
}

void KafkaEventTopic::connect() {
  if (topic_) return;
  prepare_topic(settings_.connection, settings_.topic, settings_.replicas, TopicUse::events);
  producer_ = make_producer(settings_.connection);
  topic_ = open_topic(producer_, settings_.topic);
}

rd_kafka_resp_err_t KafkaEventTopic::produce(const TopicMessage& message) {
  const std::string place = std::to_string(message.place);
  return rd_kafka_producev(producer_.get(), RD_KAFKA_V_RKT(topic_.get()), RD_KAFKA_V_PARTITION(0),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                           RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
                           RD_KAFKA_V_VALUE(const_cast<char*>(message.body.data()), message.body.size()),
                           RD_KAFKA_V_HEADER("place", place.data(), static_cast<ssize_t>(place.size())),
                           RD_KAFKA_V_OPAQUE(&delivered_), RD_KAFKA_V_END);
}

/// Some may arrive without those before them: readers know it by `previous` in the messages.
Result<> KafkaEventTopic::send(const std::vector<TopicMessage>& messages) {
  connect();
  constexpr int look_again_ms = 20;
  const auto deadline = Steady::now() + settings_.publish_time_max;
  refused_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  on_their_way_ = 0;
  auto next = messages.begin();
  while (refused_ == RD_KAFKA_RESP_ERR_NO_ERROR && Steady::now() < deadline) {
    if (next == messages.end() && on_their_way_ == 0) return {};
    const auto taken = next == messages.end() ? RD_KAFKA_RESP_ERR__QUEUE_FULL : produce(*next);
    if (taken == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++next;
      ++on_their_way_;
    } else if (taken == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(producer_.get(), look_again_ms);
    } else {
      refused_ = taken;
    }
  }
  const auto why = refused_;
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (on_their_way_ > 0 && rd_kafka_poll(producer_.get(), look_again_ms) > 0) {
  }
  if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(Code::unavailable, "Kafka does not take the public events");
  return fail(Code::unavailable,
              fmt::format("Kafka does not take the public events: {}", rd_kafka_err2str(why)));
}

}  // namespace market::kafka
