#include "adapters/kafka/handle.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace market::kafka {
namespace {

void on_error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
  const auto& connection = *static_cast<const Connection*>(opaque);
  char fatal[256];
  const auto why = rd_kafka_fatal_error(handle, fatal, sizeof fatal);
  connection.warn(fmt::format("Kafka: {} ({})", why == RD_KAFKA_RESP_ERR_NO_ERROR ? reason : fatal,
                              rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code))));
}

void on_log(const rd_kafka_t*, int, const char*, const char*) {}  // Errors come to on_error() as well.

void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
    throw std::runtime_error(fmt::format("Kafka's client does not take {}: {}", name, why));
}

void set_all(rd_kafka_conf_t* conf, std::span<const Setting> settings) {
  for (const Setting& each : settings) set(conf, std::string(each.name), std::string(each.value));
}

struct ConfCloser {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfCloser>;

Conf configure(const Connection& connection, std::span<const Setting> own_kind) {
  Conf conf(rd_kafka_conf_new());
  if (!connection.brokers.empty()) set(conf.get(), "bootstrap.servers", connection.brokers);
  set(conf.get(), "client.id", "market");
  for (const auto& [name, value] : connection.own) {
    if (const auto trouble = trouble_with(name); !trouble.empty()) throw std::runtime_error(trouble);
    set(conf.get(), name, value);
  }
  set_all(conf.get(), common_settings());
  set_all(conf.get(), own_kind);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  return conf;
}

Handle make(rd_kafka_type_t type, Conf conf) {
  char why[512];
  rd_kafka_t* handle = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (handle == nullptr) throw std::runtime_error(fmt::format("Kafka's client cannot start: {}", why));
  static_cast<void>(conf.release());  // It is the handle's now.
  return Handle(handle);
}

struct QueueCloser {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct EventCloser {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventCloser>;

constexpr int admin_time_ms = 10'000;

/// Runs one question of the admin interface and waits for its answer.
template <class Ask>
Event ask(rd_kafka_t* handle, std::string_view what, Ask ask) {
  const std::unique_ptr<rd_kafka_queue_t, QueueCloser> queue(rd_kafka_queue_new(handle));
  const std::unique_ptr<rd_kafka_AdminOptions_t, void (*)(rd_kafka_AdminOptions_t*)> options(
      rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_ANY), rd_kafka_AdminOptions_destroy);
  char why[512];  // Without it socket.timeout.ms, which is meant for the log, would end a start.
  rd_kafka_AdminOptions_set_request_timeout(options.get(), admin_time_ms, why, sizeof why);
  ask(options.get(), queue.get());
  Event answer(rd_kafka_queue_poll(queue.get(), admin_time_ms));
  if (!answer) throw std::runtime_error(fmt::format("Kafka does not answer: {}", what));
  if (const auto error = rd_kafka_event_error(answer.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(fmt::format("Kafka: {}: {}", what, rd_kafka_event_error_string(answer.get())));
  return answer;
}

/// 0: there is none.
int partitions_of(rd_kafka_t* handle, rd_kafka_topic_t* topic) {
  const struct rd_kafka_metadata* metadata = nullptr;
  const auto error = rd_kafka_metadata(handle, 0, topic, &metadata, admin_time_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(fmt::format("Kafka cannot be reached: {}", rd_kafka_err2str(error)));
  int partitions = 0;
  if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
    partitions = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  return partitions;
}

void create(rd_kafka_t* handle, const std::string& name, int replicas) {
  char why[512];
  rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(name.c_str(), 1, replicas, why, sizeof why);
  if (wanted == nullptr) throw std::runtime_error(fmt::format("Kafka: topic {}: {}", name, why));
  const std::unique_ptr<rd_kafka_NewTopic_t, void (*)(rd_kafka_NewTopic_t*)> owner(wanted,
                                                                                   rd_kafka_NewTopic_destroy);
  for (const TopicSetting& each : topic_settings())
    rd_kafka_NewTopic_set_config(wanted, std::string(each.name).c_str(), std::string(each.value).c_str());
  const Event answer = ask(handle, "making the topic " + name, [&](auto* options, auto* queue) {
    rd_kafka_CreateTopics(handle, &wanted, 1, options, queue);
  });
  std::size_t count = 0;
  const auto* const* made =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.get()), &count);
  const auto error = count == 1 ? rd_kafka_topic_result_error(made[0]) : RD_KAFKA_RESP_ERR__FAIL;
  // Another instance may have made it at the same moment.
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    throw std::runtime_error(
        fmt::format("Kafka: the topic {} cannot be made: {}", name, rd_kafka_err2str(error)));
}

/// The setting by which the log could lose what counts, or empty; `warn` is told of lesser things.
std::string look_at_settings(rd_kafka_t* handle, const std::string& name,
                             const std::function<void(const std::string&)>& warn) {
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str());
  const std::unique_ptr<rd_kafka_ConfigResource_t, void (*)(rd_kafka_ConfigResource_t*)> owner(
      resource, rd_kafka_ConfigResource_destroy);
  const Event answer = ask(handle, "the settings of the topic " + name, [&](auto* options, auto* queue) {
    rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue);
  });
  std::size_t resources = 0, entries = 0;
  const auto* const* described = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(answer.get()), &resources);
  if (resources != 1 || rd_kafka_ConfigResource_error(described[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* const why = resources == 1 ? rd_kafka_ConfigResource_error_string(described[0]) : nullptr;
    throw std::runtime_error(fmt::format("Kafka: the settings of the topic {} cannot be read: {}", name,
                                         why == nullptr ? "no answer names them" : why));
  }
  const auto* const* found = rd_kafka_ConfigResource_configs(described[0], &entries);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::string_view key = rd_kafka_ConfigEntry_name(found[i]);
    const char* text = rd_kafka_ConfigEntry_value(found[i]);
    const std::string value = text == nullptr ? "" : text;
    if (key == "min.insync.replicas" && value == "1")
      warn(fmt::format("Kafka: {}: min.insync.replicas=1: what is answered may stand on one broker alone",
                       name));
    for (const TopicSetting& each : topic_settings()) {
      if (each.name != key || each.value == value) continue;
      const auto line = fmt::format("Kafka: {}: {}={}, but the log needs {}: {}", name, key, value,
                                    each.value, each.reason);
      if (each.demand == Demand::must) return line;
      warn(line);
    }
  }
  return {};
}

void expect_settings(rd_kafka_t* handle, const Connection& connection, const std::string& name) {
  if (const auto wrong = look_at_settings(handle, name, connection.warn); !wrong.empty())
    throw std::runtime_error(wrong);
}

}  // namespace

Handle make_producer(const Connection& connection) {
  Conf conf = configure(connection, producer_settings());
  rd_kafka_conf_set_opaque(conf.get(), const_cast<Connection*>(&connection));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    if (const auto* told = static_cast<const Delivered*>(message->_private)) (*told)(message->err);
  });
  return make(RD_KAFKA_PRODUCER, std::move(conf));
}

Handle make_consumer(const Connection& connection, std::span<const Setting> more) {
  Conf conf = configure(connection, consumer_settings());
  set_all(conf.get(), more);
  rd_kafka_conf_set_opaque(conf.get(), const_cast<Connection*>(&connection));
  return make(RD_KAFKA_CONSUMER, std::move(conf));
}

void expect_client(Connection connection) {
  connection.brokers.clear();
  make_producer(connection);
  make_consumer(connection);
}

Topic open_topic(const Handle& handle, const std::string& name) {
  Topic topic(rd_kafka_topic_new(handle.get(), name.c_str(), nullptr));
  if (!topic)
    throw std::runtime_error(
        fmt::format("Kafka: the topic {}: {}", name, rd_kafka_err2str(rd_kafka_last_error())));
  return topic;
}

void prepare_topic(const Connection& connection, const std::string& name, int replicas, TopicUse use) {
  const Handle handle = make_consumer(connection);
  const Topic topic = open_topic(handle, name);
  int partitions = partitions_of(handle.get(), topic.get());
  if (partitions == 0) create(handle.get(), name, replicas);
  // What was made is not known everywhere at once.
  for (int i = 0; partitions == 0 && i < 50; ++i) {
    rd_kafka_poll(handle.get(), 100);
    partitions = partitions_of(handle.get(), topic.get());
  }
  if (partitions != 1)
    throw std::runtime_error(
        fmt::format("Kafka: the topic {} has {} partitions; it must be one", name, partitions));
  if (use == TopicUse::log) expect_settings(handle.get(), connection, name);
}

void expect_topic(const Connection& connection, const std::string& name) {
  const Handle handle = make_consumer(connection);
  const Topic topic = open_topic(handle, name);
  if (const int partitions = partitions_of(handle.get(), topic.get()); partitions != 1)
    throw std::runtime_error(
        partitions == 0
            ? fmt::format("Kafka: there is no topic {}", name)
            : fmt::format("Kafka: the topic {} has {} partitions; it must be one", name, partitions));
  expect_settings(handle.get(), connection, name);
}

std::string wrong_topic_settings(const Handle& handle, const std::string& name) {
  return look_at_settings(handle.get(), name, [](const std::string&) {});
}

bool topic_is_there(const Connection& connection, const std::string& name) {
  const Handle handle = make_consumer(connection);
  const Topic topic = open_topic(handle, name);
  return partitions_of(handle.get(), topic.get()) != 0;
}

Result<Watermarks> watermarks_of(const Handle& handle, const std::string& topic, int answer_ms) {
  Watermarks found;
  const auto error =
      rd_kafka_query_watermark_offsets(handle.get(), topic.c_str(), 0, &found.low, &found.high, answer_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(Code::unavailable, rd_kafka_err2str(error));
  return found;
}

void delete_topic(const Connection& connection, const std::string& name) {
  const Handle handle = make_consumer(connection);
  rd_kafka_DeleteTopic_t* wanted = rd_kafka_DeleteTopic_new(name.c_str());
  const std::unique_ptr<rd_kafka_DeleteTopic_t, void (*)(rd_kafka_DeleteTopic_t*)> owner(
      wanted, rd_kafka_DeleteTopic_destroy);
  ask(handle.get(), "deleting the topic " + name,
      [&](auto* options, auto* queue) { rd_kafka_DeleteTopics(handle.get(), &wanted, 1, options, queue); });
}

}  // namespace market::kafka
