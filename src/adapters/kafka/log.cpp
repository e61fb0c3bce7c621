#include "adapters/kafka/log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/steady_time.hpp"

namespace market::kafka {
namespace {

using Steady = std::chrono::steady_clock;

Millis left_until(Steady::time_point deadline) {
  return std::max(Millis(0), std::chrono::ceil<Millis>(deadline - Steady::now()));
}

LogSettings prepared(LogSettings settings) {
  if (settings.only_looked_at)
    expect_topic(settings.connection, settings.topic);
  else
    prepare_topic(settings.connection, settings.topic, settings.replicas);
  return settings;
}

}  // namespace

KafkaLog::KafkaLog(LogSettings settings)
    : settings_(prepared(std::move(settings))),
      end_(settings_.connection, settings_.topic),
      watch_(settings_.connection, settings_.topic, settings_.topic_looked_at_every),
      delivered_([this](rd_kafka_resp_err_t error) {
        if (error != RD_KAFKA_RESP_ERR__PURGE_QUEUE && error != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
          refused_ = error;
      }),
      producer_(settings_.new_producer(settings_.connection)),
      producer_topic_(open_topic(producer_, settings_.topic)),
      tail_(settings_.connection, settings_.topic) {}

Result<Offset> KafkaLog::end() {
  return end_.ask(settings_.silence_max);
}

Result<> KafkaLog::expect_beginning() const {
  if (watch_.has_lost_its_beginning()) return fail(Code::internal, watch_.trouble());
  return {};
}

// --- Appending -------------------------------------------------------------------------------------------

Result<Offset> KafkaLog::append(std::string_view record) {
  check(!record.empty(), "a record has bytes");
  if (const auto whole = expect_beginning(); !whole) return fail(whole.error());
  if (!tail_.position()) {  // From before our record on, so that it cannot be missed.
    const auto at = end();
    if (!at) return at;
    came_.clear();
    if (const auto started = tail_.start(*at); !started) return fail(started.error());
  }
  replace_broken_producer();
  if (const auto sent = send(record); !sent) return fail(sent.error());
  auto at = wait_for_own(record);
  if (!at) give_up();
  return at;
}

Result<> KafkaLog::append_unread(std::span<const std::string> records) {
  constexpr int look_again_ms = 20;
  constexpr std::size_t unanswered_max = 10'000;
  constexpr Millis silence_max{30'000};  // Of a broker that has much to write.
  if (records.empty()) return {};
  auto unread = std::make_unique<Unread>();
  unread->delivered = [of = unread.get()](rd_kafka_resp_err_t error) {
    --of->on_their_way;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) of->refused = error;
  };
  auto deadline = Steady::now() + silence_max;
  for (auto next = records.begin(); unread->refused == RD_KAFKA_RESP_ERR_NO_ERROR;) {
    if (next == records.end() && unread->on_their_way == 0) return {};
    if (Steady::now() >= deadline) break;
    const bool room = next != records.end() && unread->on_their_way < unanswered_max;
    if (room &&
        rd_kafka_produce(producer_topic_.get(), 0, RD_KAFKA_MSG_F_COPY, const_cast<char*>(next->data()),
                         next->size(), nullptr, 0, &unread->delivered) == 0) {
      ++next;
      ++unread->on_their_way;
    } else if (rd_kafka_poll(producer_.get(), look_again_ms) > 0) {
      deadline = Steady::now() + silence_max;
    }
  }
  const auto why = unread->refused;
  given_up_.push_back(std::move(unread));
  give_up();
  return fail(Code::unavailable,
              fmt::format("Kafka does not take the records: {}",
                          why == RD_KAFKA_RESP_ERR_NO_ERROR ? "it does not answer" : rd_kafka_err2str(why)));
}

Result<> KafkaLog::send(std::string_view record) {
  if (settings_.clock != nullptr && sent_ != record) {  // The same again may be that of the first try.
    sent_ = record;
    sent_at_ = settings_.clock->now();
  }
  rd_kafka_poll(producer_.get(), 0);  // What became of earlier ones; until then they fill its queue.
  refused_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  const int sent = rd_kafka_produce(producer_topic_.get(), 0, RD_KAFKA_MSG_F_COPY,
                                    const_cast<char*>(record.data()), record.size(), nullptr, 0, &delivered_);
  constexpr std::size_t small = 128;  // Bytes: signs of life come by themselves, tests count what buyers do.
  if (record.size() > small && settings_.failpoint.reached(Failpoint::At::producer))
    rd_kafka_test_fatal_error(producer_.get(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "a failpoint");
  if (sent == 0) return {};
  return fail(Code::unavailable,
              fmt::format("Kafka: the record cannot be sent: {}", rd_kafka_err2str(rd_kafka_last_error())));
}

/// Our own record among those that come: by its bytes, as an equal one of an earlier try is as good.
Result<Offset> KafkaLog::wait_for_own(std::string_view record) {
  const auto deadline = Steady::now() + settings_.append_time_max;
  std::size_t looked_at = came_.size();
  constexpr Millis look_again{20};  // At what became of the message: it may have been refused.
  bool replaced = false;
  while (true) {
    if (!replaced && replace_broken_producer()) {
      replaced = true;  // The same bytes again: what the broken one had may come, too, and then once counts.
      if (const auto sent = send(record); !sent) return fail(sent.error());
    }
    const auto fetched = fetch(std::min(look_again, left_until(deadline)));
    if (!fetched) return fail(fetched.error());
    for (; looked_at < came_.size(); ++looked_at)
      if (bytes_of(*came_[looked_at]) == record) return log_offset(came_[looked_at]->offset);
    rd_kafka_poll(producer_.get(), 0);
    if (refused_ != RD_KAFKA_RESP_ERR_NO_ERROR)
      return fail(Code::unavailable,
                  fmt::format("Kafka does not take the record: {}", rd_kafka_err2str(refused_)));
    if (Steady::now() >= deadline)
      return fail(Code::unavailable, fmt::format("the record was not read back within {} ms",
                                                 settings_.append_time_max.count()));
  }
}

/// What was not sent yet never will be; what was may still come, and is judged by the log's rule.
void KafkaLog::give_up() {
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(producer_.get(), 0);
}

/// An error is fatal when librdkafka promises nothing more of this producer. Without idempotence 2.0.2 has no
/// reason for one and even sends on; whether a later one does is not relied on.
bool KafkaLog::replace_broken_producer() {
  char why[256];
  const auto error = rd_kafka_fatal_error(producer_.get(), why, sizeof why);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  give_up();
  try {
    Handle producer = settings_.new_producer(settings_.connection);
    Topic topic = open_topic(producer, settings_.topic);
    producer_topic_ = std::move(topic);  // Before its producer ends.
    producer_ = std::move(producer);
  } catch (const std::runtime_error& broken) {
    const auto line = fmt::format("Kafka: no producer can take the place of a broken one: {}", broken.what());
    if (said_.allows(line, Instant(Millis(steady_ms())))) settings_.connection.warn(line);
    return false;
  }
  producers_replaced_.fetch_add(1, std::memory_order_relaxed);
  settings_.connection.warn(
      fmt::format("Kafka: a producer that had broken was replaced: {} ({})", why, rd_kafka_err2name(error)));
  return true;
}

// --- Reading ---------------------------------------------------------------------------------------------

/// What has come by itself joins came_; waits for the first of them.
Result<> KafkaLog::fetch(Millis wait) {
  constexpr std::size_t at_once_max = 256;
  for (std::size_t i = 0; i < at_once_max; ++i) {
    auto message = tail_.next(i == 0 ? wait : Millis(0));
    if (!message) return fail(message.error());
    if (!*message) return {};
    end_.note_heard();
    judge_clock(**message);
    came_.push_back(std::move(*message));
  }
  return {};
}

/// One that has just come.
void KafkaLog::judge_clock(const rd_kafka_message_t& record) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const Instant appended(Millis(rd_kafka_message_timestamp(&record, &type)));
  if (settings_.clock == nullptr || type != RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) return;
  if (bytes_of(record) == sent_)
    witness_.told_by_own(appended, sent_at_, settings_.clock->now());
  else
    witness_.told(appended, settings_.clock->now());
}

Result<> KafkaLog::tail(Offset from, Millis wait, const std::function<bool(Offset, std::string_view)>& each) {
  if (const auto whole = expect_beginning(); !whole) return whole;
  while (!came_.empty() && log_offset(came_.front()->offset) < from) came_.pop_front();
  const bool goes_on = came_.empty() ? tail_.position() == from : log_offset(came_.front()->offset) == from;
  if (!goes_on) {
    came_.clear();
    if (const auto started = tail_.start(from); !started) return started;
  }
  if (came_.empty())
    if (const auto fetched = fetch(wait); !fetched) return fetched;
  while (!came_.empty()) {
    const bool more = each(log_offset(came_.front()->offset), bytes_of(*came_.front()));
    came_.pop_front();
    if (!more) break;
  }
  return {};
}

std::unique_ptr<Reader> KafkaLog::take_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (idle_reader_) return std::move(idle_reader_);
  }
  return std::make_unique<Reader>(settings_.connection, settings_.topic, end_reader_settings());
}

Result<> KafkaLog::read(Offset from, const std::function<bool(Offset, std::string_view)>& each) try {
  if (const auto whole = expect_beginning(); !whole) return whole;
  const auto end = end_.ask(settings_.silence_max);
  if (!end) return fail(end.error());
  const Offset first = std::max<Offset>(from, 1);
  if (first >= *end) return {};
  auto reader = take_reader();
  if (const auto started = reader->start(first); !started) return started;
  bool more = true;
  std::int64_t heard = steady_ms();
  while (more && *reader->position() < *end) {
    auto message = reader->next(settings_.silence_max);
    if (!message) return fail(message.error());
    if (*message) {
      more = each(log_offset((*message)->offset), bytes_of(**message));
      heard = steady_ms();
    } else if (*reader->position() < *end && Millis(steady_ms() - heard) >= settings_.silence_max) {
      return fail(Code::unavailable, fmt::format("Kafka gave nothing behind offset {} for {} ms",
                                                 *reader->position() - 1, settings_.silence_max.count()));
    }
  }
  reader->stop();
  const std::lock_guard lock(readers_mutex_);
  idle_reader_ = std::move(reader);
  return {};
} catch (const std::runtime_error& error) {
  return fail(Code::unavailable, error.what());
}

}  // namespace market::kafka
