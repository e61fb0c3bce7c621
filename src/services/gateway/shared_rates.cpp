#include "services/gateway/shared_rates.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace market::gateway {

void SharedRates::start(const asio::any_io_executor& executor) {
  auto timer = std::make_shared<asio::steady_timer>(executor);
  timer_ = timer;
  tasks_.spawn(executor, run(std::move(timer)));
}

void SharedRates::stop() {
  if (stopping_.exchange(true)) return;
  if (const auto timer = timer_.lock()) asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  tasks_.wait(Millis(5'000));
}

asio::awaitable<void> SharedRates::run(std::shared_ptr<asio::steady_timer> timer) {
  while (!stopping_.load()) {
    co_await tell_others();
    timer->expires_after(every);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<void> SharedRates::tell_others() {
  if (!reachable_()) co_return;
  const auto told = limiter_.untold(SharedLimits::buckets_max);
  if (told.empty()) co_return;
  std::vector<SharedLimits::Use> uses;
  for (const auto& use : told)
    uses.push_back(
        {{fmt::format("rate:{:016x}", use.key), use.limit.burst, 1'000 / use.limit.per_second}, use.taken});
  const auto left = co_await shared_.settle(std::move(uses));
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (left)
      limiter_.settle(told[i], (*left)[i]);
    else
      limiter_.take_back(told[i]);
  }
}

}  // namespace market::gateway
