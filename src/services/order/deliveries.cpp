#include "services/order/deliveries.hpp"

#include <boost/asio/redirect_error.hpp>
#include <future>

#include "base/task_outlive.hpp"

namespace market::order {

/// One page of orders on their way through the gate.
struct Deliveries::Page {
  Page(Step which, std::vector<WaitingOrder> orders, const asio::any_io_executor& executor)
      : step(which), due(std::move(orders)), ended(executor) {}
  const Step step;
  const std::vector<WaitingOrder> due;
  std::size_t next = 0;
  int open_lanes = 0, taken = 0;
  asio::steady_timer ended;
};

Deliveries::Deliveries(SaleGate& gate, OrderSearch& orders, const Clock& clock,
                       asio::any_io_executor executor, Millis day, std::function<bool()> may_look)
    : gate_(gate),
      orders_(orders),
      clock_(clock),
      executor_(executor),
      steps_{Step{OrderState::return_requested, OrderState::returned, day},
             Step{OrderState::shipped, OrderState::delivered, day},
             Step{OrderState::preparing, OrderState::shipped, day - day / 2},
             Step{OrderState::paid, OrderState::preparing, day / 2}},
      pause_(std::clamp(day / 50, Millis(20), Millis(10'000))),
      may_look_(std::move(may_look)),
      timer_(executor) {}

void Deliveries::start() {
  tasks_.spawn(executor_, run());
}

bool Deliveries::stop(Millis longest) {
  asio::post(executor_, [this] {
    stopped_ = true;
    timer_.cancel();
  });
  return tasks_.wait(longest);
}

asio::awaitable<void> Deliveries::run() {
  while (!stopped_) {
    if (!may_look_ || may_look_()) {
      const int taken = co_await look();
      (void)taken;
    }
    if (stopped_) co_return;
    timer_.expires_after(pause_);
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<int> Deliveries::look() {
  int taken = 0;
  for (const Step step : steps_) {
    WaitingOrder after;
    const Instant until = clock_.now() - step.after;
    while (!stopped_) {
      auto due = co_await outlive("a delivery", orders_.waiting(step.from, until, after, page_orders));
      if (!due || due->empty()) break;  // What cannot be read now is read at the next look.
      after = due->back();
      const bool last = due->size() < static_cast<std::size_t>(page_orders);
      const int moved = co_await take(step, std::move(*due));
      taken += moved;
      if (last) break;
    }
  }
  co_return taken;
}

asio::awaitable<int> Deliveries::take(Step step, std::vector<WaitingOrder> due) {
  auto page = std::make_shared<Page>(step, std::move(due), executor_);
  page->open_lanes = std::min<int>(lanes, static_cast<int>(page->due.size()));
  page->ended.expires_at(std::chrono::steady_clock::time_point::max());
  for (int i = page->open_lanes; i > 0; --i) tasks_.spawn(executor_, lane(page));
  boost::system::error_code ignored;
  if (page->open_lanes > 0)
    co_await page->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return page->taken;
}

asio::awaitable<void> Deliveries::lane(std::shared_ptr<Page> page) {
  while (!stopped_ && page->next < page->due.size()) {
    const OrderId order = page->due[page->next++].id;
    Command command = MoveOrder{order, UserId{}, page->step.to, {}};
    const auto moved = co_await outlive("a delivery", gate_.submit(std::move(command)));
    // Refused: somebody was faster. Not reached: the next look tries again.
    if (moved && moved->event) ++page->taken;
  }
  if (--page->open_lanes == 0) page->ended.cancel();
}

}  // namespace market::order
