#pragma once
/// What must happen now and then beside serving, on one thread of its own: snapshots of the gate, trimming
/// the log behind them when the operator wants that, and an alarm when the wall clock is stepped.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "sale/record_folder.hpp"
#include "sale/sale_gate.hpp"

namespace market::apps {

class Housekeeping {
 public:
  struct Parts {
    EventLog& log;
    SnapshotStore& snapshots;
    OrderFold& fold;
    sale::RecordFolder& folder;
    const SystemClock& clock;
  };
  struct Settings {
    Position snapshot_at = 0;  ///< Where the newest snapshot stands at start.
    Position snapshot_every = 500'000;
    bool keep_log = true;
    Millis tick{1'000};
  };

  /// `also` runs at each tick, too.
  Housekeeping(Parts parts, Settings settings, std::vector<std::function<void(Instant)>> also);
  ~Housekeeping();

  std::uint64_t clock_steps() const { return clock_steps_.load(std::memory_order_relaxed); }
  std::uint64_t snapshots_made() const { return snapshots_made_.load(std::memory_order_relaxed); }

 private:
  void run();
  void snapshot_if_due();
  void watch_clock();

  Parts parts_;
  const Settings settings_;
  std::vector<std::function<void(Instant)>> also_;
  Position last_snapshot_, snapshot_before_;
  Position logged_before_ = 0;  ///< At the last tick.
  Millis known_step_{0};
  std::atomic<std::uint64_t> clock_steps_{0}, snapshots_made_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::apps
