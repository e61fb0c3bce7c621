#pragma once
/// What a payment provider tells by itself: that something became of an attempt. Only a hint: what it is, is
/// asked.

#include <optional>
#include <string_view>

#include "base/id.hpp"
#include "base/result.hpp"

namespace market {

class PaymentNotices {
 public:
  virtual ~PaymentNotices() = default;
  /// The attempt that a notice is about; none: nothing of ours. Errors: unauthenticated (it is not the
  /// provider's, or older than it may be), invalid_json.
  virtual Result<std::optional<AttemptId>> read(std::string_view signature, std::string_view body,
                                                Instant now) const = 0;
};

}  // namespace market
