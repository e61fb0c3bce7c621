#pragma once
/// A topic of one test on the shared broker.

#include <unistd.h>

#include <atomic>
#include <random>

#include "adapters/kafka/log.hpp"
#include "tests/support/engines.hpp"

namespace market::tests {

class KafkaTopic {
 public:
  explicit KafkaTopic(std::string brokers = engine("KAFKA")) : brokers_(std::move(brokers)) {
    static std::atomic<int> made{0};
    name_ = "test." + std::to_string(::getpid()) + "." + std::to_string(++made) + "." +
            std::to_string(std::random_device()());
  }
  ~KafkaTopic() {
    try {
      kafka::delete_topic(settings().connection, name_);
    } catch (const std::exception&) {  // The broker may be gone; the topic goes with it.
    }
  }
  KafkaTopic(const KafkaTopic&) = delete;
  KafkaTopic& operator=(const KafkaTopic&) = delete;

  kafka::LogSettings settings() const {
    kafka::LogSettings settings;
    settings.connection.brokers = brokers_;
    settings.topic = name_;
    return settings;
  }
  const std::string& name() const { return name_; }

 private:
  std::string brokers_, name_;
};

}  // namespace market::tests
