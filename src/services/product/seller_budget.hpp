#pragma once
/// What one seller may add in a day to what the market keeps for good: products stay in memory with all their
/// texts, also withdrawn ones, and pictures on the disk. Any thread.

#include <mutex>
#include <unordered_map>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/account/role.hpp"

namespace market::product {

class SellerBudget {
 public:
  explicit SellerBudget(std::size_t bytes_a_day) : bytes_a_day_(static_cast<double>(bytes_a_day)) {}

  /// Errors: rate_limited, with the seconds until so much is left again.
  Result<> take(UserId seller, std::size_t bytes, Instant now);

 private:
  static constexpr std::size_t sellers_max = 16'384;  ///< Then those are forgotten who have all of it left.
  struct Left {
    double bytes;
    Instant at;
  };
  double refilled(const Left& left, Instant now) const;

  const double bytes_a_day_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, Left> sellers_;
};

/// Both, for the routes; administrators have no bound.
class SellerBudgets {
 public:
  explicit SellerBudgets(bool enabled) : enabled_(enabled) {}
  /// Of a new product, or a new version of one. Errors: rate_limited.
  Result<> take_texts(UserId caller, Role role, std::size_t bytes, Instant now);
  /// A version, too. Errors: rate_limited.
  Result<> take_picture(UserId caller, Role role, std::size_t bytes, Instant now);

 private:
  static constexpr std::size_t text_bytes_max = 32 * 1024 * 1024;       ///< A day.
  static constexpr std::size_t picture_bytes_max = 1024 * 1024 * 1024;  ///< A day.
  static constexpr std::size_t version_bytes = 1024;                    ///< Beside its texts.
  const bool enabled_;
  SellerBudget texts_{text_bytes_max}, pictures_{picture_bytes_max};
};

}  // namespace market::product
