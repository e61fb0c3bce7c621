#pragma once
/// A thin owner of librdkafka's handles: how they are made, and how their errors read.

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <string>

#include "adapters/kafka/client_settings.hpp"
#include "base/result.hpp"

namespace market::kafka {

struct Connection {
  std::string brokers;  ///< HOST:PORT, by comma.
  OwnSettings own;
  /// Told of a broker that cannot be reached, and of the client's own errors; any thread.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

struct HandleCloser {
  void operator()(rd_kafka_t* handle) const {
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
};
struct TopicCloser {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Handle = std::unique_ptr<rd_kafka_t, HandleCloser>;
using Topic = std::unique_ptr<rd_kafka_topic_t, TopicCloser>;

/// What became of a message: a pointer to one is what a message is produced with; poll() of the handle calls
/// it.
using Delivered = std::function<void(rd_kafka_resp_err_t)>;

/// `connection` outlives the handle. Throws std::runtime_error with one clear line.
Handle make_producer(const Connection& connection);
Handle make_consumer(const Connection& connection, std::span<const Setting> more = {});
/// That such a client can be made of these settings; nobody is connected to. Throws as above.
void expect_client(Connection connection);
Topic open_topic(const Handle& handle, const std::string& name);

/// How long events are kept for readers is the operator's choice; what the log's topic says is not.
enum class TopicUse : std::uint8_t { log, events };
/// Makes the topic if it is missing, and looks at the settings of the log's. Throws std::runtime_error with
/// one clear line when the log could lose what counts there; `warn` is told of lesser things.
void prepare_topic(const Connection& connection, const std::string& name, int replicas,
                   TopicUse use = TopicUse::log);
/// Looks at the log's topic and makes none. Throws as above, and when there is none.
void expect_topic(const Connection& connection, const std::string& name);
/// By which the log could lose what counts there; empty: none. Throws when Kafka cannot be asked.
std::string wrong_topic_settings(const Handle& handle, const std::string& name);
/// Throws when Kafka cannot be asked.
bool topic_is_there(const Connection& connection, const std::string& name);
/// Kafka's offsets of the first record that is still there, and of the next one to come.
struct Watermarks {
  std::int64_t low = 0, high = 0;
};
/// Errors: unavailable, in librdkafka's words alone.
Result<Watermarks> watermarks_of(const Handle& handle, const std::string& topic, int answer_ms);
/// For tests and for `market log adopt`. Throws.
void delete_topic(const Connection& connection, const std::string& name);

}  // namespace market::kafka
