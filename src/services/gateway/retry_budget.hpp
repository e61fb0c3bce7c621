#pragma once
/// How many retries are allowed: one for every ten requests, so that retries can never multiply a load that
/// is already too much. One per thread.

#include <algorithm>

namespace market::gateway {

class RetryBudget {
 public:
  /// `reserve`: retries that are allowed before any request was counted.
  explicit RetryBudget(double reserve) : tokens_(reserve) {}
  void count_request() { tokens_ = std::min(tokens_ + share, tokens_max); }
  bool take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  static constexpr double share = 0.1;
  static constexpr double tokens_max = 1000;
  double tokens_;
};

}  // namespace market::gateway
