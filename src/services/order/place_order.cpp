#include "services/order/place_order.hpp"

#include "domain/sale/decide.hpp"
#include "domain/sale/fold_order.hpp"

namespace market::order {

std::optional<Error> PlacingOrders::refuses_at_once(const Command& command) const {
  if (!alone_) return std::nullopt;
  const bool may_replay = command.key && board_.may_know(command.key);
  if (board_.recovering())
    return Error(Code::recovering, "the sale is being restored from its log; try again soon");
  if (may_replay) return std::nullopt;
  const Instant now = clock_.now();
  for (const WantedLine& line : std::get<PlaceOrder>(command.body).lines) {
    const ShownProduct* product = board_.find(line.product);
    if (product == nullptr || !is_public(product->terms, now))
      return Error(Code::product_not_found, "there is no such product");
    const std::int64_t remaining = product->live->remaining.load(std::memory_order_relaxed);
    if (auto refused = refuses_visibly(product->terms, remaining, now)) return refused;
  }
  return std::nullopt;
}

Result<Task<Placed>> PlacingOrders::run(Command command) const {
  if (auto refused = refuses_at_once(command)) return fail(std::move(*refused));
  return submit(std::move(command));
}

Task<Placed> PlacingOrders::submit(Command command) const {
  const UserId user = std::get<PlaceOrder>(command.body).user;
  auto submitted = co_await gate_.submit(std::move(command));
  if (!submitted) co_return fail(std::move(submitted.error()));
  if (!submitted->replayed) {
    auto order = std::make_shared<const Order>(accepted_order(*submitted->event));
    co_return Placed{std::move(order), false};
  }
  auto known = co_await reader_.find(user, submitted->order());
  if (!known) co_return fail(std::move(known.error()));
  co_return Placed{std::move(*known), true};
}

}  // namespace market::order
