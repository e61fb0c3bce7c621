#include "services/order/keep_refusals.hpp"

#include <boost/asio/redirect_error.hpp>

#include "base/task_outlive.hpp"
#include "http/message/problem.hpp"

namespace market::order {

void KeepRefusals::start() {
  tasks_.spawn(executor_, run());
}

bool KeepRefusals::stop(Millis longest) {
  stopped_.store(true);
  asio::post(executor_, [this] { timer_.cancel(); });
  return tasks_.wait(longest);
}

asio::awaitable<void> KeepRefusals::run() {
  boost::system::error_code ignored;
  while (!stopped_.load()) {
    timer_.expires_after(every_);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_await write_down();
    if (!stopped_.load()) co_await forget_old();
  }
  co_await write_down();  // What came while the last ones were written.
}

asio::awaitable<void> KeepRefusals::write_down() {
  const auto notes = notes_.take();
  const Instant now = clock_.now();
  std::vector<RefusedOrders> refused;
  for (const RefusalNotes::Note& note : notes) {
    const ShownProduct* product = board_.find(note.product);
    if (product == nullptr) continue;
    const Instant opens_at = product->terms.sale ? product->terms.sale->opens_at : now;
    refused.push_back(RefusedOrders{note.product, refusal_step(opens_at, now),
                                    std::string(http::problem_of(note.code).code), note.count});
  }
  if (refused.empty()) co_return;
  const auto added = co_await outlive("keeping refusals", history_.add(std::move(refused)));
  if (added) co_return;
  for (const RefusalNotes::Note& note : notes) notes_.add(note.product, note.code, note.count);
}

asio::awaitable<void> KeepRefusals::forget_old() {
  const Instant now = clock_.now();
  if (now < forget_at_) co_return;
  const auto forgotten = co_await outlive("forgetting refusals", history_.forget(now - refusals_kept_for));
  if (forgotten) forget_at_ = now + std::chrono::hours(1);
}

}  // namespace market::order
