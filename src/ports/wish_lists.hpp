#pragma once
/// The products that each user wants to remember.

#include <optional>
#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"

namespace market {

struct Wish {
  ProductId product;
  Instant added_at{};
  friend bool operator==(const Wish&, const Wish&) = default;
};
inline constexpr int wishes_max = 500;

class WishLists {
 public:
  virtual ~WishLists() = default;
  /// Newest first, from the one behind `after`, `limit` at most. Errors: unavailable, overloaded (as for all
  /// below).
  virtual Task<std::vector<Wish>> list(UserId user, std::optional<Wish> after, int limit) = 0;
  /// One that is there already stays as it is. Errors: list_full.
  virtual Task<> put(UserId user, Wish wish) = 0;
  /// One that is not there is fine.
  virtual Task<> remove(UserId user, ProductId product) = 0;
};

}  // namespace market
