#pragma once
/// While the own log is silent (cut off from it, others may go on selling), what is left is read where
/// whoever writes has shown it (ports/shared_stock.hpp). Only places behind the own one are taken, and only
/// to show. Nobody waits for any of it.

#include <functional>

#include "base/task_repeater.hpp"
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
  void start(const asio::any_io_executor& executor) { task_.start(executor); }
  /// Not on the executor's thread.
  void stop() { task_.stop(); }
  /// Asks once, if there is a reason.
  asio::awaitable<void> look();

 private:
  asio::awaitable<Millis> step();

  const StockReaderParts parts_;
  // The executor's thread only.
  Place seen_ = 0;  ///< What lies behind it is new.
  std::optional<std::uint64_t> connection_;

  TaskRepeater task_{"reading the live stock", [this] { return step(); }};
};

}  // namespace market::sale
