#include "adapters/kafka/topic_watch.hpp"

#include <fmt/format.h>

#include "base/thread_name.hpp"

namespace market::kafka {

constexpr int question_ms = 5'000;

TopicWatch::TopicWatch(const Connection& connection, std::string topic, Millis every)
    : connection_(connection), topic_(std::move(topic)), every_(every), thread_([this] { run(); }) {}

TopicWatch::~TopicWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::string TopicWatch::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void TopicWatch::run() {
  name_thread("log's topic");
  const auto stopped = [this] {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, every_, [this] { return stopping_; });
  };
  Handle handle;
  while (!stopped()) {
    try {
      if (!handle) handle = make_consumer(connection_);
    } catch (const std::runtime_error& trouble) {  // A file of its options was replaced, or memory is short.
      connection_.warn(fmt::format("the log's topic is not looked at: {}", trouble.what()));
      continue;
    }
    rd_kafka_poll(handle.get(), 0);
    look(handle);
  }
}

/// A broker that does not answer says nothing new; others tell that it is away.
void TopicWatch::look(const Handle& handle) {
  const auto marks = watermarks_of(handle, topic_, question_ms);
  if (!marks) return;
  std::string found;
  if (marks->low > 0) {
    found = fmt::format(
        "Kafka: the topic {} has lost its first {} records: somebody has changed its settings, or deleted "
        "them; "
        "nothing is sold any more; restore a backup",
        topic_, marks->low);
    lost_.store(true, std::memory_order_relaxed);
  } else {
    try {
      found = wrong_topic_settings(handle, topic_);
    } catch (const std::runtime_error&) {
      return;
    }
  }
  if (!found.empty()) connection_.warn(found);
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(found);
}

}  // namespace market::kafka
