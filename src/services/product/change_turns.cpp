#include "services/product/change_turns.hpp"

namespace market::product {

Task<ChangeTurns::Turn> ChangeTurns::take(ProductId product) {
  const bool mine = co_await asio::async_initiate<decltype(asio::use_awaitable), void(bool)>(
      [this, product](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto go_on = [shared](bool taken) {
          auto executor = asio::get_associated_executor(*shared);
          asio::post(executor, [shared, taken]() mutable { std::move (*shared)(taken); });
        };
        const std::scoped_lock lock(mutex_);
        const auto [entry, free] = taken_.try_emplace(product);
        if (free) return go_on(true);
        if (entry->second.size() >= turns_waiting_max) return go_on(false);
        entry->second.emplace_back([go_on] { go_on(true); });
      },
      asio::use_awaitable);
  if (!mine) co_return fail(Code::overloaded, "too many changes of this product are waiting");
  Turn turn(*this, product);
  co_return std::move(turn);
}

void ChangeTurns::pass_on(ProductId product) {
  std::function<void()> next;
  {
    const std::scoped_lock lock(mutex_);
    const auto entry = taken_.find(product);
    if (entry->second.empty()) {
      taken_.erase(entry);
      return;
    }
    next = std::move(entry->second.front());
    entry->second.pop_front();
  }
  next();
}

}  // namespace market::product
