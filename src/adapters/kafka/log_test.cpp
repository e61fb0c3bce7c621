/// The log on Kafka when Kafka misbehaves: on a broker of its own, which is killed, paused and emptied. What
/// every log promises is in tests/contract/log_contract.cpp.

#include "adapters/kafka/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/support/kafka_topic.hpp"
#include "tests/support/numbered_records.hpp"
#include "tests/support/own_engine.hpp"
#include "tests/support/wait.hpp"

namespace market::kafka {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using tests::append_numbered;
using tests::numbered_record;
using tests::offsets_from;

TEST(ClientSettings, HaveReasonsAndAreOurs) {
  for (const auto settings :
       {common_settings(), producer_settings(), consumer_settings(), end_reader_settings()}) {
    for (const Setting& each : settings) {
      EXPECT_FALSE(each.reason.empty()) << each.name;
      EXPECT_FALSE(trouble_with(std::string(each.name)).empty()) << each.name;
    }
  }
  EXPECT_TRUE(trouble_with("sasl.username").empty());
}

TEST(ClientSettings, OneThatIsOursIsRefusedAndUnknownOnesToo) {
  for (const auto* name : {"acks", "group.id", "no.such.setting"}) {
    Connection connection{.brokers = "127.0.0.1:1", .own = {{name, "1"}}};
    EXPECT_THROW(make_consumer(connection), std::runtime_error) << name;
  }
}

TEST(KafkaLogAway, IsSaidInOneLineAtTheStart) {
  LogSettings settings;
  settings.connection.brokers = "127.0.0.1:1";
  try {
    KafkaLog log(settings);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("Kafka cannot be reached"));
  }
}

/// As Kafka itself does by time and by size.
void delete_records_before(const tests::KafkaTopic& topic, std::int64_t offset) {
  const Handle handle = make_consumer(topic.settings().connection);
  rd_kafka_topic_partition_list_t* where = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(where, topic.name().c_str(), 0)->offset = offset;
  rd_kafka_DeleteRecords_t* wanted = rd_kafka_DeleteRecords_new(where);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(handle.get());
  rd_kafka_DeleteRecords(handle.get(), &wanted, 1, nullptr, queue);
  rd_kafka_event_t* answer = rd_kafka_queue_poll(queue, 10'000);
  EXPECT_TRUE(answer != nullptr && rd_kafka_event_error(answer) == RD_KAFKA_RESP_ERR_NO_ERROR);
  if (answer != nullptr) rd_kafka_event_destroy(answer);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(wanted);
  rd_kafka_topic_partition_list_destroy(where);
}

/// As somebody's copying tool does: a message, and behind it a mark that is none.
void commit_a_transaction(const tests::KafkaTopic& topic) {
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", topic.settings().connection.brokers.c_str(), why, sizeof why);
  rd_kafka_conf_set(conf, "transactional.id", "stranger", why, sizeof why);
  const Handle stranger(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why));
  std::string junk = "junk";
  ASSERT_EQ(rd_kafka_init_transactions(stranger.get(), 30'000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(stranger.get()), nullptr);
  ASSERT_EQ(rd_kafka_producev(stranger.get(), RD_KAFKA_V_TOPIC(topic.name().c_str()), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_VALUE(junk.data(), junk.size()),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_commit_transaction(stranger.get(), 30'000), nullptr);
}

class KafkaLogTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!tests::engine("KAFKA").empty()) broker = std::make_unique<tests::OwnEngine>("kafka");
  }
  static void TearDownTestSuite() { broker.reset(); }
  void SetUp() override {
    if (!broker) GTEST_SKIP() << tests::how_to_have_engines;
    topic = std::make_unique<tests::KafkaTopic>(broker->address());
    log = std::make_unique<KafkaLog>(topic->settings());
  }
  /// Whether an append works again within `time`.
  bool appends_within(Millis time, std::string_view record) {
    const auto deadline = Steady::now() + time;
    while (Steady::now() < deadline)
      if (log->append(record)) return true;
    return false;
  }
  static std::unique_ptr<tests::OwnEngine> broker;
  std::unique_ptr<tests::KafkaTopic> topic;
  std::unique_ptr<KafkaLog> log;
};
std::unique_ptr<tests::OwnEngine> KafkaLogTest::broker;

TEST_F(KafkaLogTest, APausedBrokerIsAnUnknownOutcomeWithinASecondAndNothingIsLost) {
  ASSERT_TRUE(append_numbered(*log, 3));
  broker->send(SIGSTOP);
  const auto asked = Steady::now();
  const auto unknown = log->append("four");
  EXPECT_LT(Steady::now() - asked, 1'500ms);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::unavailable);
  const auto no_end = log->end();
  EXPECT_LT(Steady::now() - asked, 3'000ms);
  EXPECT_FALSE(no_end) << "nobody may deny anything now";
  const auto all_connections_time_out = 3s;
  EXPECT_TRUE(log->is_silent());
  EXPECT_TRUE(tests::stays_away([&] { return log->end().has_value(); }, all_connections_time_out));
  EXPECT_TRUE(log->is_silent());
  broker->send(SIGCONT);
  EXPECT_TRUE(appends_within(10s, "five"));
  std::vector<std::string> records;
  ASSERT_TRUE(log->read(4, [&](Offset, std::string_view record) {
    records.emplace_back(record);
    return true;
  }));
  // What was sent before may lie there, also twice: the log's rule judges it.
  EXPECT_EQ(records.back(), "five");
  for (const auto& record : records) EXPECT_TRUE(record == "four" || record == "five") << record;
  EXPECT_FALSE(log->is_silent());
  EXPECT_TRUE(tests::stays_away([&] { return log->is_silent(); }, 3s)) << "nobody writes, but it answers";
}

/// A clock beside the broker's.
struct ShiftedClock final : Clock {
  explicit ShiftedClock(Millis by) : shift(by) {}
  Instant now() const override { return clock.now() + shift; }
  SystemClock clock;
  Millis shift;
};

TEST_F(KafkaLogTest, AppendTimesTellWhoseClockIsWrong) {
  ShiftedClock right(0ms), ahead(90s), behind(-90s);
  const auto log_by = [&](const Clock& clock) {
    auto settings = topic->settings();
    settings.clock = &clock;
    return std::make_unique<KafkaLog>(settings);
  };
  EXPECT_EQ(log->clock_off(), std::nullopt);
  const auto by_right = log_by(right), by_ahead = log_by(ahead), by_behind = log_by(behind);
  ASSERT_TRUE(by_right->append("one"));
  for (KafkaLog* each : {by_right.get(), by_ahead.get(), by_behind.get()}) {
    bool seen = false;
    for (int i = 0; i < 100 && !seen; ++i)
      ASSERT_TRUE(each->tail(1, 100ms, [&](Offset, std::string_view) { return seen = true; }));
  }
  EXPECT_EQ(by_right->clock_off(), 0ms);
  EXPECT_EQ(by_ahead->clock_off(), 0ms) << "a record of others may be old";
  EXPECT_LT(by_behind->clock_off(), -80s);
  ASSERT_TRUE(by_ahead->append("two"));
  EXPECT_GT(by_ahead->clock_off(), 80s);
  ASSERT_TRUE(by_behind->append("three"));
  EXPECT_LT(by_behind->clock_off(), -80s);
  behind.shift = 0ms;
  ASSERT_TRUE(by_behind->append("four"));
  EXPECT_EQ(by_behind->clock_off(), 0ms);
}

TEST_F(KafkaLogTest, ABrokerThatWasKilledAndCameBackGoesOn) {
  ASSERT_TRUE(append_numbered(*log, 3));
  broker->send(SIGKILL);
  EXPECT_FALSE(log->append("lost?"));
  broker->up();
  EXPECT_TRUE(appends_within(10s, "again"));
  const auto seen = offsets_from(*log, 1);
  EXPECT_GE(seen.size(), 4u);
  bool found = false;
  ASSERT_TRUE(log->tail(1, 1s, [&](Offset, std::string_view record) {
    found = found || record == numbered_record(1);
    return true;
  }));
  EXPECT_TRUE(found);
}

TEST_F(KafkaLogTest, ALogThatWasMadeAnewIsToldFromTheOldOne) {
  ASSERT_TRUE(append_numbered(*log, 5));
  ASSERT_TRUE(log->tail(1, 1s, [](Offset, std::string_view) { return true; }));
  delete_topic(topic->settings().connection, topic->name());
  prepare_topic(topic->settings().connection, topic->name(), 1);
  Result<> followed;
  for (int i = 0; i < 100 && followed; ++i)
    followed = log->tail(6, 100ms, [](Offset, std::string_view) { return true; });
  ASSERT_FALSE(followed);
  const auto end = log->end();
  EXPECT_EQ(end.value_or(1), 1) << "shorter than what was followed";
}

TEST_F(KafkaLogTest, ATopicThatWouldLoseRecordsIsRefused) {
  tests::KafkaTopic other(broker->address());
  prepare_topic(other.settings().connection, other.name(), 1);
  broker->configure(other.name(), "retention.ms=1000");
  try {
    KafkaLog refused(other.settings());
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("retention.ms=1000, but the log needs -1"));
  }
}

TEST_F(KafkaLogTest, ATopicThatIsChangedBelowUsIsSaidAndOneThatLostItsBeginningIsWrittenNoMore) {
  tests::KafkaTopic other(broker->address());
  auto settings = other.settings();
  settings.topic_looked_at_every = 50ms;
  KafkaLog watched(settings);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(watched.append(numbered_record(i)));
  EXPECT_EQ(watched.topic_trouble(), "");
  const auto is_said = [&](const char* words) {
    return tests::wait([&] { return watched.topic_trouble().find(words) != std::string::npos; }, 15s);
  };
  broker->configure(other.name(), "retention.ms=100000000");
  EXPECT_TRUE(is_said("retention.ms=100000000, but the log needs -1"));
  EXPECT_TRUE(watched.append(numbered_record(4))) << "nothing is lost yet";
  broker->configure(other.name(), "retention.ms=-1");
  EXPECT_TRUE(tests::wait([&] { return watched.topic_trouble().empty(); }, 15s));
  delete_records_before(other, 2);
  EXPECT_TRUE(is_said("has lost its first 2 records"));
  EXPECT_EQ(watched.append(numbered_record(5)).error().code, Code::internal);
  EXPECT_EQ(watched.read(4, [](Offset, std::string_view) { return true; }).error().code, Code::internal);
  EXPECT_EQ(watched.tail(5, 0ms, [](Offset, std::string_view) { return true; }).error().code, Code::internal);
}

TEST_F(KafkaLogTest, ManyRecordsAreAppendedWithoutWaitingForEach) {
  std::vector<std::string> records;
  for (Offset at = 1; at <= 3'000; ++at) records.push_back(numbered_record(at));
  ASSERT_TRUE(log->append_unread({}));
  ASSERT_TRUE(log->append_unread(records));
  std::vector<std::string> found;
  ASSERT_TRUE(log->read(1, [&](Offset, std::string_view record) {
    found.emplace_back(record);
    return true;
  }));
  EXPECT_EQ(found, records);
  EXPECT_EQ(*log->append(numbered_record(3'001)), 3'001) << "and one that is read back goes on behind them";
  broker->send(SIGSTOP);
  std::atomic<bool> appended{false};
  std::thread later([&] {
    EXPECT_TRUE(tests::stays_away([&] { return appended.load(); }, 2s)) << "a pause is waited for";
    broker->send(SIGCONT);
  });
  EXPECT_TRUE(log->append_unread(std::vector<std::string>{numbered_record(3'002)}));
  appended = true;
  later.join();
}

TEST_F(KafkaLogTest, MarksOfAStrangersTransactionAtTheEndAreNoRecordsThatAreWaitedFor) {
  ASSERT_TRUE(append_numbered(*log, 3));
  for (int times = 1; times <= 2; ++times) {
    commit_a_transaction(*topic);
    const auto asked = Steady::now();
    EXPECT_EQ(offsets_from(*log, 1).size(), 3u + times);
    EXPECT_EQ(offsets_from(*log, 4 + 2 * times).size(), 0u) << "at the end";
    EXPECT_EQ(offsets_from(*log, 3 + 2 * times).size(), 0u) << "from the mark on";
    EXPECT_LT(Steady::now() - asked, 3'000ms);
  }
  EXPECT_TRUE(log->append(numbered_record(4)));
  EXPECT_EQ(offsets_from(*log, 1).size(), 6u);
}

TEST_F(KafkaLogTest, ATopicThatIsOnlyLookedAtIsNotMade) {
  const tests::KafkaTopic other(broker->address());
  auto settings = other.settings();
  settings.only_looked_at = true;
  for (int i = 0; i < 2; ++i) {
    try {
      const KafkaLog nothing(settings);
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "Kafka: there is no topic " + other.name());
    }
  }
  {
    KafkaLog made(other.settings());
    ASSERT_TRUE(made.append(numbered_record(1)));
  }
  KafkaLog looked_at(settings);
  EXPECT_EQ(offsets_from(looked_at, 1).size(), 1u);
}

TEST_F(KafkaLogTest, AProducerThatBrokeIsReplacedAndTheSameRecordSentAgain) {
  auto settings = topic->settings();
  std::vector<std::string> said;
  settings.connection.warn = [&said](const std::string& line) { said.push_back(line); };
  settings.failpoint = *Failpoint::parse("producer:2");
  KafkaLog breaks(settings);
  const std::vector<std::string> records{std::string(200, '1'), std::string(200, '2'), std::string(200, '3')};
  ASSERT_TRUE(breaks.append("small ones are not counted"));
  ASSERT_TRUE(breaks.append(records[0]));
  const auto second = breaks.append(records[1]);
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(breaks.producers_replaced(), 1u);
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr("replaced: test_fatal_error: a failpoint")));
  ASSERT_TRUE(breaks.append(records[2])) << "and the new one goes on";
  EXPECT_EQ(breaks.producers_replaced(), 1u);
  std::vector<std::string> found;  // The second may be there twice.
  ASSERT_TRUE(breaks.read(2, [&](Offset, std::string_view record) {
    if (found.empty() || found.back() != record) found.emplace_back(record);
    return true;
  }));
  EXPECT_EQ(found, records);
}

int producers_made = 0;

TEST_F(KafkaLogTest, ThatNoProducerCanBeMadeIsSaidOnceNotAtEachTry) {
  auto settings = topic->settings();
  std::vector<std::string> said;
  settings.connection.warn = [&said](const std::string& line) { said.push_back(line); };
  settings.failpoint = *Failpoint::parse("producer");
  producers_made = 0;
  settings.new_producer = [](const Connection& connection) {
    if (producers_made++ > 0) throw std::runtime_error("too many files are open");
    return make_producer(connection);
  };
  KafkaLog breaks(settings);
  for (int i = 0; i < 2; ++i) static_cast<void>(breaks.append(std::string(200, '1')));
  EXPECT_GT(producers_made, 2) << "it is tried again";
  EXPECT_EQ(
      std::count_if(said.begin(), said.end(), [](const auto& line) { return line.ends_with("are open"); }),
      1);
}

TEST_F(KafkaLogTest, ARecordThatIsTooLargeIsRefusedAtOnce) {
  const auto asked = Steady::now();
  const auto refused = log->append(std::string(2 << 20, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_LT(Steady::now() - asked, 900ms);
  EXPECT_TRUE(log->append("small"));
}

}  // namespace
}  // namespace market::kafka
