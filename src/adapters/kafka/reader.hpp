#pragma once
/// Reads the log's one partition from an offset on. One thread at a time. Offsets may be left out: a
/// stranger's transaction ends with marks that take an offset and are no records.

#include <deque>
#include <optional>

#include "adapters/kafka/handle.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/log.hpp"

namespace market::kafka {

/// Kafka counts from 0, ours from 1.
constexpr std::int64_t kafka_offset(Offset offset) {
  return offset - 1;
}
constexpr Offset log_offset(std::int64_t offset) {
  return offset + 1;
}

struct MessageCloser {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageCloser>;

inline std::string_view bytes_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.len};
}

class Reader {
 public:
  /// `more`: end_reader_settings() for one that is told of the end.
  Reader(const Connection& connection, const std::string& topic, std::span<const Setting> more = {});
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// The offset of the record that next() gives; none before the first start().
  std::optional<Offset> position() const { return position_; }
  /// Reads from here on. Errors: unavailable.
  Result<> start(Offset from);
  /// The next record, null when none came for `wait`, or at the end for one that is told of it: position() is
  /// there then. Errors: internal (the log does not hold the position:
  /// it was cut, trimmed or made anew), unavailable.
  Result<Message> next(Millis wait);
  /// Until the next start() nothing is fetched ahead.
  void stop();

 private:
  Handle handle_;
  Topic topic_;
  std::optional<Offset> position_;
};

}  // namespace market::kafka
