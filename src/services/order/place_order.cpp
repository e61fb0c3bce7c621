#include "services/order/place_order.hpp"

namespace market::order {

Result<> PlaceOrderUseCase::refuse_early(const PlaceOrder& asked) const {
  const bool may_replay = asked.key && live_.may_know(asked.key);
  if (live_.recovering())
    return fail(Code::recovering, "the sale is being restored from its log; try again soon");
  if (may_replay) return {};  // The product may be gone by now; the order of this key is still the answer.
  const Instant now = clock_.now();
  for (const auto& line : asked.lines) {
    const auto* listed = live_.find(line.product);
    if (!listed || listed->terms.withdrawn) return fail(Code::product_not_found, "there is no such product");
    if (const auto& sale = listed->terms.sale) {
      if (now < sale->opens_at) {
        ErrorExtras extras;
        extras.opens_at = format_rfc3339(sale->opens_at);
        return fail(Error(Code::sale_not_open, "the sale has not opened yet", std::move(extras)));
      }
      if (sale->closes_at && now >= *sale->closes_at) return fail(Code::sale_closed, "the sale has closed");
    }
    if (listed->live->remaining.load(std::memory_order_relaxed) <= 0)
      return fail(Code::sold_out, "no units left");
  }
  return {};
}

Task<Submitted> PlaceOrderUseCase::run(PlaceOrder asked) {
  asked.order = ids_.next_as<OrderId>();
  return gate_.submit(Command(std::move(asked)));
}

}  // namespace market::order
