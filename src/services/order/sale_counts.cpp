#include "services/order/sale_counts.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace market::order {

std::shared_ptr<const CountedOrders> SaleCounts::kept(ProductId product, bool& mine) {
  const std::lock_guard lock(mutex_);
  Kept& known = kept_[product];
  if (known.counted && clock_.now() < known.fresh_until) return known.counted;
  mine = !std::exchange(known.counting, true);
  return nullptr;
}

void SaleCounts::keep(ProductId product, std::shared_ptr<const CountedOrders> counted, Instant fresh_until) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() > kept_max)
    boost::unordered::erase_if(kept_, [](const auto& entry) { return !entry.second.counting; });
  kept_[product] = Kept{std::move(counted), fresh_until, false};
}

/// Whoever counts: what he found is kept behind him. Others count again when that is nothing, also when he
/// ended by an exception.
struct SaleCounts::Counting {
  SaleCounts& counts;
  const ProductId product;
  std::shared_ptr<const CountedOrders> counted;
  Instant fresh_until{};
  ~Counting() { counts.keep(product, std::move(counted), fresh_until); }
};

Task<std::shared_ptr<const CountedOrders>> SaleCounts::of(ProductId product) {
  constexpr Millis pause{20};
  constexpr int looks_max = 500;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  bool mine = false;
  for (int look = 0; look < looks_max; ++look) {
    if (auto known = kept(product, mine)) co_return known;
    if (mine) break;
    timer.expires_after(pause);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (!mine) co_return fail(Code::overloaded, "the orders are being counted");
  Counting counting{*this, product, nullptr};
  const Instant begin = clock_.now();
  auto counts = co_await search_.count(product);
  const Instant end = clock_.now();
  counting.fresh_until = end + rest_per_work * (end - begin);
  if (!counts) co_return fail(counts.error());
  counting.counted = std::make_shared<const CountedOrders>(CountedOrders{std::move(*counts), begin});
  co_return counting.counted;
}

}  // namespace market::order
