#pragma once
/// While the log does not come here, another instance may still follow it: its numbers are shown then
/// (LiveStock::borrow), until the own log is there again. Where instances sell together they decide nothing.

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/task_group.hpp"
#include "ports/product_board.hpp"
#include "ports/shared_stock.hpp"

namespace market::sale {

struct ReaderParts {
  SharedStock& stock;
  const ProductBoard& board;
  std::function<LogId()> log;
  std::function<Place()> end;   ///< How far the log was followed here.
  std::function<bool()> stale;  ///< It gives no sign of life.
};

class StockReader {
 public:
  static constexpr Millis every{250};
  static constexpr std::size_t borrowed_max = 10'000;

  /// All outlive it.
  explicit StockReader(ReaderParts parts) : parts_(std::move(parts)) {}
  ~StockReader() { stop(); }
  void start(const asio::any_io_executor& executor);
  /// Not on the executor's thread.
  void stop();
  std::uint64_t lines_borrowed() const { return borrowed_count_.load(std::memory_order_relaxed); }

 private:
  asio::awaitable<void> run(std::shared_ptr<asio::steady_timer> timer);
  asio::awaitable<void> look();
  void give_back();

  const ReaderParts parts_;
  Place seen_ = 0;
  std::vector<std::shared_ptr<LiveStock>> borrowed_;
  std::atomic<std::uint64_t> borrowed_count_{0};
  std::atomic<bool> stopping_{false};
  std::weak_ptr<asio::steady_timer> timer_;
  TaskGroup tasks_{"reading the live stock of others"};
};

}  // namespace market::sale
