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

/// Whoever counts: others count again, also when this one ends by an exception.
class SaleCounts::Counting {
 public:
  Counting(SaleCounts& counts, ProductId product) : counts_(counts), product_(product) {}
  Counting(const Counting&) = delete;
  ~Counting() {
    if (!ended_) end(nullptr, {});
  }
  void end(std::shared_ptr<const CountedOrders> counted, Instant fresh_until) {
    ended_ = true;
    counts_.keep(product_, std::move(counted), fresh_until);
  }

 private:
  SaleCounts& counts_;
  const ProductId product_;
  bool ended_ = false;
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
  Counting mark(*this, product);
  const Instant begin = clock_.now();
  auto counts = co_await search_.count(product);
  const Instant end = clock_.now();
  std::shared_ptr<const CountedOrders> counted;
  if (counts) counted = std::make_shared<const CountedOrders>(CountedOrders{std::move(*counts), begin});
  mark.end(counted, end + rest_per_work * (end - begin));
  if (!counts) co_return fail(counts.error());
  co_return counted;
}

}  // namespace market::order
