#pragma once
/// ports/event_topic.hpp on a Kafka topic of one partition: a message an event, its place also in the header
/// `place`, its key that of what it is about. Connects, and makes the topic, when it is first needed.

#include "adapters/kafka/handle.hpp"
#include "ports/event_topic.hpp"

namespace market::kafka {

struct EventTopicSettings {
  Connection connection;
  std::string topic = "market.events";
  int replicas = 1;                 ///< Of a topic that is made.
  Millis publish_time_max{10'000};  ///< Then they are sent again, by whoever asks.
};

class KafkaEventTopic final : public EventTopic {
 public:
  explicit KafkaEventTopic(EventTopicSettings settings);
  ~KafkaEventTopic() override { stop(); }
  /// Nothing is answered afterwards.
  void stop() { pool_.stop(); }
  Task<> publish(std::vector<TopicMessage> messages) override;
  Task<bool> is_new() override;

 private:
  Result<> send(const std::vector<TopicMessage>& messages);
  void connect();
  rd_kafka_resp_err_t produce(const TopicMessage& message);

  const EventTopicSettings settings_;
  // The pool's one thread's own.
  std::size_t on_their_way_ = 0;
  rd_kafka_resp_err_t refused_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  Delivered delivered_;
  Handle producer_;
  Topic topic_;
  BlockingPool pool_{1, 4};
};

}  // namespace market::kafka
