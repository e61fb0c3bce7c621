#include "adapters/kafka/reader.hpp"

#include <fmt/format.h>

namespace market::kafka {

Reader::Reader(const Connection& connection, const std::string& topic, std::span<const Setting> more)
    : handle_(make_consumer(connection, more)), topic_(open_topic(handle_, topic)) {}

Reader::~Reader() {
  stop();
}

void Reader::stop() {
  if (position_) rd_kafka_consume_stop(topic_.get(), 0);
  position_.reset();
}

Result<> Reader::start(Offset from) {
  stop();
  if (rd_kafka_consume_start(topic_.get(), 0, kafka_offset(from)) != 0)
    return fail(Code::unavailable, fmt::format("Kafka: the log cannot be read from {}: {}", from,
                                               rd_kafka_err2str(rd_kafka_last_error())));
  position_ = from;
  return {};
}

Result<Message> Reader::next(Millis wait) {
  rd_kafka_poll(handle_.get(), 0);  // Errors of the client.
  Message message(rd_kafka_consume(topic_.get(), 0, static_cast<int>(wait.count())));
  if (!message) return Message();
  switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      position_ = log_offset(message->offset) + 1;
      return message;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      position_ = std::max(*position_, log_offset(message->offset));
      return Message();
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: {
      const Offset lost = *position_;
      stop();
      return fail(Code::internal,
                  fmt::format("the log does not hold offset {}: it was cut, trimmed or made anew", lost));
    }
    default: {
      const auto why =
          fmt::format("Kafka: the log cannot be read: {}", rd_kafka_message_errstr(message.get()));
      stop();  // The next start() begins afresh.
      return fail(Code::unavailable, why);
    }
  }
}

}  // namespace market::kafka
