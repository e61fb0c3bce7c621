#pragma once
/// Looks at the log's topic from time to time while the market runs: settings that somebody has changed, by
/// which Kafka will delete the log's first records within minutes, and records that are gone already.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/kafka/handle.hpp"
#include "base/time.hpp"

namespace market::kafka {

class TopicWatch {
 public:
  TopicWatch(const Connection& connection, std::string topic, Millis every);
  ~TopicWatch();

  /// What somebody must mend; empty: nothing. Any thread, as the next.
  std::string trouble() const;
  /// Some first records are gone: nothing that is appended could ever be read from the start.
  bool has_lost_its_beginning() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void run();
  void look(const Handle& handle);

  const Connection connection_;
  const std::string topic_;
  const Millis every_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string trouble_;
  std::atomic<bool> lost_{false};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::kafka
