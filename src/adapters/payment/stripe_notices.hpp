#pragma once
/// ports/payment_notices.hpp as Stripe signs its webhooks: `Stripe-Signature: t=SECONDS,v1=HEX`.

#include <string>

#include "ports/payment_notices.hpp"
#include "wire/auth/hmac_sha256.hpp"

namespace market::payment {

class StripeNotices final : public PaymentNotices {
 public:
  static constexpr std::chrono::seconds age_max{300};  ///< Stripe's own libraries allow as much.
  /// `store`: as of StripeSettings; what is about another shop's payments is nothing of ours.
  StripeNotices(std::string_view secret, std::string store) : mac_(secret), store_(std::move(store)) {}
  Result<std::optional<AttemptId>> read(std::string_view signature, std::string_view body,
                                        Instant now) const override;

 private:
  wire::HmacSha256 mac_;
  const std::string store_;
};

}  // namespace market::payment
