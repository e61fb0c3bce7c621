#pragma once
/// While the own log is silent (cut off from it, others may go on selling), what is left is read where
/// whoever writes has shown it (ports/shared_stock.hpp). Only places behind the own one are taken, and only
/// to show. Nobody waits for any of it.

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/task_group.hpp"
#include "ports/shared_stock.hpp"

namespace market::sale {

struct StockReaderParts {
  SharedStock& stock;
  std::function<LogId()> log;    ///< None: nobody has written it yet.
  std::function<Place()> place;  ///< How far the log was followed.
  std::function<bool()> silent;  ///< Whether the log gives no sign of life.
  /// As of the publisher.
  std::function<std::optional<std::uint64_t>()> connection;
  std::function<void(std::vector<StockLine>)> show;
};

class StockReader {
 public:
  static constexpr Millis every{200};

  /// All outlive it.
  explicit StockReader(StockReaderParts parts) : parts_(std::move(parts)) {}
  ~StockReader() { stop(); }
  void start(const asio::any_io_executor& executor);
  /// Not on the executor's thread.
  void stop();
  /// Asks once, if there is a reason.
  asio::awaitable<void> look();

 private:
  asio::awaitable<void> run(std::shared_ptr<asio::steady_timer> timer);

  const StockReaderParts parts_;
  // The executor's thread only.
  Place seen_ = 0;  ///< What lies behind it is new.
  std::optional<std::uint64_t> connection_;

  std::atomic<bool> stopping_{false};
  std::weak_ptr<asio::steady_timer> timer_;
  TaskGroup tasks_{"reading the live stock"};
};

}  // namespace market::sale
