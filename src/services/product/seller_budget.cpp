#include "services/product/seller_budget.hpp"

#include <algorithm>
#include <cmath>

namespace market::product {
namespace {

constexpr double day_ms = 24.0 * 3'600 * 1'000;

}  // namespace

double SellerBudget::refilled(const Left& left, Instant now) const {
  const auto passed = static_cast<double>(std::max<Millis::rep>(0, (now - left.at).count()));
  return std::min(bytes_a_day_, left.bytes + passed * bytes_a_day_ / day_ms);
}

Result<> SellerBudget::take(UserId seller, std::size_t bytes, Instant now) {
  const auto wanted = static_cast<double>(bytes);
  const std::lock_guard lock(mutex_);
  if (sellers_.size() >= sellers_max)
    std::erase_if(sellers_, [&](const auto& entry) { return refilled(entry.second, now) >= bytes_a_day_; });
  auto& left = sellers_.try_emplace(seller.value, Left{bytes_a_day_, now}).first->second;
  left = {refilled(left, now), now};
  if (left.bytes < wanted) {
    ErrorExtras extras;
    extras.retry_after_seconds =
        1 + static_cast<int>(std::ceil((wanted - left.bytes) * day_ms / bytes_a_day_ / 1'000));
    return fail(Error(Code::rate_limited, "a seller may not add so much in a day; wait before the next",
                      std::move(extras)));
  }
  left.bytes -= wanted;
  return {};
}

Result<> SellerBudgets::take_texts(UserId caller, Role role, std::size_t bytes, Instant now) {
  if (!enabled_ || role == Role::admin) return {};
  return texts_.take(caller, bytes + version_bytes, now);
}

Result<> SellerBudgets::take_picture(UserId caller, Role role, std::size_t bytes, Instant now) {
  if (!enabled_ || role == Role::admin) return {};
  if (const auto ok = pictures_.take(caller, bytes, now); !ok) return ok;
  return texts_.take(caller, version_bytes, now);
}

}  // namespace market::product
