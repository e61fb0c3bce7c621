#pragma once
/// Looks whether ejected instances answer again: a GET of their health path, one at a time each.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <set>

#include "base/task.hpp"
#include "services/gateway/balancer.hpp"

namespace market::gateway {

class Prober {
 public:
  /// Works on `executor` until destroyed, which must happen there or after it has ended.
  Prober(Balancer& balancer, asio::any_io_executor executor);
  ~Prober();
  void start();

 private:
  struct Shared;
  static asio::awaitable<void> watch(std::shared_ptr<Shared> shared);
  static asio::awaitable<void> probe(std::shared_ptr<Shared> shared, BackendPtr instance);
  /// Nullopt: we could not ask.
  static asio::awaitable<std::optional<bool>> is_alive(std::shared_ptr<Shared> shared, BackendPtr instance);
  std::shared_ptr<Shared> shared_;
};

}  // namespace market::gateway
