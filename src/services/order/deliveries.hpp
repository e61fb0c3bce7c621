#pragma once
/// The calendar of deliveries: a paid order is prepared after half a day, shipped after one and delivered
/// after two; a return is over a day after it was asked for. It asks the records what is due, so a restart
/// forgets nothing, and each step is an event that the sequencer decides: whoever was faster (an operator,
/// another instance, a cancel) wins.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/task_group.hpp"
#include "ports/order_search.hpp"
#include "ports/sale_gate.hpp"

namespace market::order {

class Deliveries {
 public:
  static constexpr int page_orders = 256;
  static constexpr int lanes =
      16;  ///< Orders that wait for the gate at once: buyers come through beside them.

  /// `day`: orders.day. `may_look`: of several instances one is enough; empty: this is the only one. Lives on
  /// one executor that runs on one thread.
  Deliveries(SaleGate& gate, OrderSearch& orders, const Clock& clock, asio::any_io_executor executor,
             Millis day, std::function<bool()> may_look = {});
  void start();
  /// Any thread but its own, while the gate still answers. False: a step was still under way after `longest`.
  bool stop(Millis longest = Millis(5'000));

  /// Takes every step that is due; answers how many.
  asio::awaitable<int> look();

 private:
  struct Step {
    OrderState from, to;
    Millis after;
  };
  struct Page;
  asio::awaitable<void> run();
  asio::awaitable<int> take(Step step, std::vector<WaitingOrder> due);
  asio::awaitable<void> lane(std::shared_ptr<Page> page);

  SaleGate& gate_;
  OrderSearch& orders_;
  const Clock& clock_;
  asio::any_io_executor executor_;
  const std::array<Step, 4> steps_;
  const Millis pause_;
  const std::function<bool()> may_look_;
  asio::steady_timer timer_;
  bool stopped_ = false;
  TaskGroup tasks_{"the calendar of deliveries"};
};

}  // namespace market::order
