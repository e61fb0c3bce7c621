/// ports/event_topic.hpp: what every adapter must keep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/kafka/event_topic.hpp"
#include "adapters/kafka/reader.hpp"
#include "tests/contract/run_task.hpp"
#include "tests/support/kafka_topic.hpp"

namespace market::contract {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

class EventTopicContract : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::engine("KAFKA").empty()) GTEST_SKIP() << tests::how_to_have_engines;
    name_.emplace();
  }
  kafka::EventTopicSettings settings() const {
    kafka::EventTopicSettings settings;
    settings.connection = name_->settings().connection;
    settings.topic = name_->name();
    return settings;
  }
  /// KEY PLACE BODY of each, as a reader finds them.
  std::vector<std::string> found(std::size_t count) {
    const auto connection = name_->settings().connection;
    kafka::Reader reader(connection, name_->name());
    EXPECT_TRUE(reader.start(1));
    std::vector<std::string> all;
    for (int silent = 0; all.size() < count && silent < 50;) {
      auto message = reader.next(Millis(200));
      if (!message || !*message) {
        ++silent;
        continue;
      }
      rd_kafka_headers_t* headers = nullptr;
      const void* place = nullptr;
      std::size_t length = 0;
      EXPECT_EQ(rd_kafka_message_headers(message->get(), &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
      EXPECT_EQ(rd_kafka_header_get_last(headers, "place", &place, &length), RD_KAFKA_RESP_ERR_NO_ERROR);
      all.push_back(std::string(static_cast<const char*>((*message)->key), (*message)->key_len) + " " +
                    std::string(static_cast<const char*>(place), length) + " " +
                    std::string(kafka::bytes_of(**message)));
    }
    return all;
  }

  std::optional<tests::KafkaTopic> name_;
};

TEST_F(EventTopicContract, KeepsAllInTheirOrder) {
  kafka::KafkaEventTopic topic(settings());
  std::vector<TopicMessage> messages;
  std::vector<std::string> wanted;
  for (Place place = 1; place <= 500; ++place) {
    const std::string body = "{\"n\":" + std::to_string(place) + "}" + std::string(place % 90, ' ');
    messages.push_back({place, "k" + std::to_string(place % 3), body});
    wanted.push_back(messages.back().key + " " + std::to_string(place) + " " + body);
  }
  ASSERT_TRUE(run(topic.publish(messages)));
  EXPECT_THAT(found(500), ElementsAreArray(wanted));
}

TEST_F(EventTopicContract, SeveralMayPublishAndNoneIsAllRight) {
  kafka::KafkaEventTopic first(settings()), second(settings());
  ASSERT_TRUE(run(first.publish({})));
  ASSERT_TRUE(run(first.publish({{1, "a", "one"}})));
  ASSERT_TRUE(run(second.publish({{1, "a", "one"}, {2, "b", "two"}})));
  EXPECT_THAT(found(3), ElementsAre("a 1 one", "a 1 one", "b 2 two"));
}

TEST_F(EventTopicContract, KnowsWhetherAnythingWasEverPublished) {
  kafka::KafkaEventTopic topic(settings());
  EXPECT_TRUE(*run(topic.is_new()));
  ASSERT_TRUE(run(topic.publish({{1, "a", "one"}})));
  EXPECT_FALSE(*run(topic.is_new()));
}

TEST_F(EventTopicContract, SaysWhenNobodyTakesThem) {
  auto nowhere = settings();
  nowhere.connection.brokers = "127.0.0.1:1";
  kafka::KafkaEventTopic topic(nowhere);
  const auto sent = run(topic.publish({{1, "a", "one"}}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::unavailable);
}

TEST_F(EventTopicContract, WhatIsTooLargeIsRefusedAndTheNextIsTaken) {
  kafka::KafkaEventTopic topic(settings());
  EXPECT_FALSE(run(topic.publish({{1, "a", std::string(3 << 20, 'x')}})));
  EXPECT_TRUE(run(topic.publish({{2, "a", "small"}})));
  EXPECT_THAT(found(1), ElementsAre("a 2 small"));
}

}  // namespace
}  // namespace market::contract
