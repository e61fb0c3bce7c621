#pragma once
/// The log on a Kafka topic of one partition: one record is one message, and counts once it is read back
/// (docs/decisions/0030-log-on-kafka.md).
///
///   KafkaLog log({.connection = {.brokers = "127.0.0.1:9092"}});   // throws with one clear line
///   const auto at = log.append(record);   // read back: on every replica in sync

#include <deque>
#include <mutex>
#include <span>
#include <string>

#include "adapters/kafka/clock_witness.hpp"
#include "adapters/kafka/end_question.hpp"
#include "adapters/kafka/topic_watch.hpp"
#include "base/failpoint.hpp"
#include "base/line_limit.hpp"
#include "ports/shared_log.hpp"

namespace market::kafka {

/// Whoever needs longer to append does not write; how long others wait for it rests on this.
constexpr Millis append_time_usual{1'000};

struct LogSettings {
  Connection connection;
  std::string topic = "market.log";
  int replicas = 1;                            ///< Of a topic that is made.
  bool only_looked_at = false;                 ///< A topic that is missing is not made.
  Millis append_time_max = append_time_usual;  ///< Not read back by then: the outcome is unknown.
  Millis silence_max{1'000};  ///< A read of records that are there, without one of them for so long, fails.
  Millis topic_looked_at_every{10'000};
  const Clock* clock = nullptr;  ///< Which the append times are held against; null: none.
  Failpoint failpoint;           ///< For tests alone, as the next one.
  Handle (*new_producer)(const Connection&) = make_producer;
};

class KafkaLog final : public SharedLog {
 public:
  /// Makes the topic if it is missing. Throws std::runtime_error with one clear line.
  explicit KafkaLog(LogSettings settings);

  Result<Offset> append(std::string_view record) override;
  /// One behind the other, without waiting for each. Whether they are there once and in this order is for the
  /// caller to read. The thread of append(). Errors: unavailable.
  Result<> append_unread(std::span<const std::string> records);
  Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) override;
  Result<Offset> end() override;
  Result<> tail(Offset from, Millis wait, const std::function<bool(Offset, std::string_view)>& each) override;
  std::optional<Millis> clock_off() const override {
    return settings_.clock == nullptr ? std::nullopt : std::optional(witness_.off());
  }
  bool is_silent() const override { return end_.is_silent(); }
  /// What somebody must mend at the topic; empty: nothing. Any thread.
  std::string topic_trouble() const { return watch_.trouble(); }
  /// How often a producer was replaced that had broken for good. Any thread.
  std::uint64_t producers_replaced() const { return producers_replaced_.load(std::memory_order_relaxed); }

 private:
  Result<> expect_beginning() const;
  Result<> send(std::string_view record);
  Result<Offset> wait_for_own(std::string_view record);
  void give_up();
  bool replace_broken_producer();
  Result<> fetch(Millis wait);
  void judge_clock(const rd_kafka_message_t& record);
  std::unique_ptr<Reader> take_reader();

  const LogSettings settings_;
  EndQuestion end_;
  TopicWatch watch_;
  std::atomic<std::uint64_t> producers_replaced_{0};

  // The appending thread's own.
  Delivered delivered_;
  rd_kafka_resp_err_t refused_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  /// Records of one append_unread(). What becomes of others, which may be told late, is none of its.
  struct Unread {
    std::size_t on_their_way = 0;
    rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    Delivered delivered;
  };
  std::vector<std::unique_ptr<Unread>> given_up_;  ///< Of these may still be told.
  Handle producer_;
  Topic producer_topic_;
  LineLimit said_;
  Reader tail_;
  std::deque<Message> came_;  ///< Of the tail, not given yet.

  ClockWitness witness_;
  std::string sent_;   ///< What was sent last …
  Instant sent_at_{};  ///< … and when first.

  std::mutex readers_mutex_;
  std::unique_ptr<Reader> idle_reader_;
};

}  // namespace market::kafka
