#pragma once
/// The fold: writes changed orders into the records in bulk, behind the log, on a thread of its own.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "ports/order_records.hpp"
#include "sale/order_overlay.hpp"

namespace market::sale {

class RecordFolder {
 public:
  struct Settings {
    std::size_t batch_orders_max = 16'384;
    Millis linger{100};  ///< Waits this long for a fuller batch: rows cost less in bulk.
    /// A rush is `rush_orders` or more in one `linger`. The records wait until it is over, has gone on for
    /// `rush_wait_max`, or `rush_orders_max` orders wait: while a sale runs the processor belongs to buyers.
    std::size_t rush_orders = 500;
    std::size_t rush_orders_max = 262'144;
    Millis rush_wait_max{10'000};
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
    bool more = false;  ///< As much waits again: no reason to linger.
  };
  void run();
  /// Returns when it is time to write: at once when stopping. False: nothing is left and it stops.
  bool wait_for_orders();
  Batch take();
  /// False: the records cannot be written and it stops.
  bool store(const std::vector<ChangedOrder>& changes, Position through);

  OrderFold& records_;
  OrderOverlay& overlay_;
  const Settings settings_;
  std::atomic<Position> position_;
  std::mutex records_mutex_;  ///< Guards the use of `records_`.
  std::mutex mutex_;          ///< Guards what waits.
  std::condition_variable wake_;
  std::deque<Batch> waiting_;
  std::size_t waiting_orders_ = 0;
  std::uint64_t orders_pushed_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::sale
