#include "services/gateway/shared_rates.hpp"

#include <fmt/format.h>

namespace market::gateway {

asio::awaitable<Millis> SharedRates::step() {
  co_await tell_others();
  co_return every;
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
