#pragma once
/// The fold: writes changed orders into the records in bulk, behind the log, on a thread of its own.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/memory/order_overlay.hpp"
#include "ports/order_records.hpp"

namespace market::memory {

class RecordFolder {
 public:
  struct Settings {
    std::size_t batch_orders_max = 16'384;
    Millis linger{100};  ///< Waits this long for a fuller batch: rows cost less in bulk.
    Millis retry_after{500};
  };

  RecordFolder(OrderFold& records, OrderOverlay& overlay, Position at, Settings settings);
  ~RecordFolder() { stop(); }

  /// Hands over what the events up to `through` changed; the gate's writer thread only.
  void push(std::vector<ChangedOrder> changes, Position through);
  /// How far the records are. Any thread.
  Position position() const { return position_.load(std::memory_order_acquire); }
  /// While held, nothing is written and the records may be read through OrderFold by the holder.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(records_mutex_); }
  /// Folds what is there, then ends the thread.
  void stop();

 private:
  struct Batch {
    std::vector<ChangedOrder> changes;
    Position through = 0;
  };
  void run();
  bool take(std::vector<ChangedOrder>& changes, Position& through);
  void store(const std::vector<ChangedOrder>& changes, Position through);

  OrderFold& records_;
  OrderOverlay& overlay_;
  const Settings settings_;
  std::atomic<Position> position_;
  std::mutex records_mutex_;  ///< Guards the use of `records_`.
  std::mutex mutex_;          ///< Guards what waits.
  std::condition_variable wake_;
  std::deque<Batch> waiting_;
  std::size_t waiting_orders_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::memory
