#include "sale/record_folder.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace market::sale {

RecordFolder::RecordFolder(OrderFold& records, OrderOverlay& overlay, Position at, Settings settings)
    : records_(records), overlay_(overlay), settings_(settings), position_(at), thread_([this] { run(); }) {}

void RecordFolder::push(std::vector<ChangedOrder> changes, Position through) {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    // The thread sleeps until the first batch comes, then looks by itself after each `linger`.
    wake = waiting_.empty();
    waiting_orders_ += changes.size();
    orders_pushed_ += changes.size();
    waiting_.push_back(Batch{std::move(changes), through});
  }
  if (wake) wake_.notify_one();
}

void RecordFolder::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool RecordFolder::wait_for_orders() {
  using Steady = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  const auto rush_end = Steady::now() + settings_.rush_wait_max;
  bool rush = true;
  while (rush && !stopping_) {
    const std::uint64_t before = orders_pushed_;
    wake_.wait_for(lock, settings_.linger, [this] { return stopping_; });
    rush = orders_pushed_ - before >= settings_.rush_orders && waiting_orders_ < settings_.rush_orders_max &&
           Steady::now() < rush_end;
  }
  return !waiting_.empty();
}

RecordFolder::Batch RecordFolder::take() {
  const std::scoped_lock lock(mutex_);
  Batch taken;
  while (!waiting_.empty() &&
         (taken.changes.empty() ||
          taken.changes.size() + waiting_.front().changes.size() <= settings_.batch_orders_max)) {
    auto& batch = waiting_.front();
    std::move(batch.changes.begin(), batch.changes.end(), std::back_inserter(taken.changes));
    taken.through = batch.through;
    waiting_.pop_front();
  }
  waiting_orders_ -= taken.changes.size();
  taken.more = waiting_orders_ >= settings_.batch_orders_max || (stopping_ && !waiting_.empty());
  return taken;
}

bool RecordFolder::store(const std::vector<ChangedOrder>& changes, Position through) {
  // Only the newest value of each order is written; orders are nearly in id order already.
  boost::unordered_flat_map<OrderId, std::size_t> newest;
  newest.reserve(changes.size());
  std::vector<OrderPtr> orders;
  orders.reserve(changes.size());
  for (const ChangedOrder& change : changes) {
    const auto [entry, fresh] = newest.try_emplace(change.order->id, orders.size());
    if (fresh)
      orders.push_back(change.order);
    else
      orders[entry->second] = change.order;
  }
  while (true) {
    std::unique_lock records_lock(records_mutex_);
    const auto stored = records_.store(orders, through);
    if (stored) {
      position_.store(through, std::memory_order_release);
      break;
    }
    records_lock.unlock();
    spdlog::error("the records cannot be written, trying again: {}", stored.error().detail);
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, settings_.retry_after, [this] { return stopping_; }))
      return false;  // The log has them.
  }
  overlay_.forget(changes);
  return true;
}

void RecordFolder::run() {
  // Buyers first: on a busy machine the records wait (fold_lag_max bounds that), and rows cost less in bulk.
  // On Linux `0` is this thread alone. Without it everything still works, so a refusal is no error.
  constexpr int nicer = 10;
  ::setpriority(PRIO_PROCESS, 0, nicer);
  while (wait_for_orders()) {
    Batch batch;
    do {
      batch = take();
      if (!store(batch.changes, batch.through)) return;  // Nothing behind it may be written.
    } while (batch.more);
  }
}

}  // namespace market::sale
