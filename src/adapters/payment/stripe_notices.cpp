#include "adapters/payment/stripe_notices.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <boost/json.hpp>
#include <charconv>

#include "adapters/payment/json_text.hpp"
#include "base/text.hpp"

namespace market::payment {
namespace {

tl::unexpected<Error> not_theirs(const char* why) {
  return fail(Code::unauthenticated, why);
}

}  // namespace

Result<std::optional<AttemptId>> StripeNotices::read(std::string_view signature, std::string_view body,
                                                     Instant now) const {
  std::int64_t seconds = 0;
  std::string_view said_at;
  std::vector<std::string_view> signatures;
  while (!signature.empty()) {
    const auto comma = std::min(signature.find(','), signature.size());
    const std::string_view part = signature.substr(0, comma);
    signature.remove_prefix(std::min(comma + 1, signature.size()));
    if (part.starts_with("t=")) said_at = part.substr(2);
    if (part.starts_with("v1=")) signatures.push_back(part.substr(3));
  }
  const auto [end, error] = std::from_chars(said_at.data(), said_at.data() + said_at.size(), seconds);
  if (said_at.empty() || error != std::errc() || end != said_at.data() + said_at.size())
    return not_theirs("Stripe-Signature has no time");
  const auto mac = mac_.of(fmt::format("{}.{}", said_at, body));
  const std::string wanted = to_hex({reinterpret_cast<const char*>(mac.data()), mac.size()});
  bool right = false;
  for (const std::string_view each : signatures)
    right = right ||
            (each.size() == wanted.size() && CRYPTO_memcmp(each.data(), wanted.data(), wanted.size()) == 0);
  if (!right) return not_theirs("Stripe-Signature does not sign this body");
  const auto passed = now - Instant(std::chrono::duration_cast<Millis>(
                                std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 100'000'000'000))));
  if (passed > age_max || passed < -age_max) return not_theirs("Stripe-Signature is too old");
  boost::system::error_code broken;
  const auto event = boost::json::parse(body, broken);
  if (broken) return fail(Code::invalid_json, "the notice is not JSON");
  if (text_at(event, "/data/object/metadata/store") != store_) return std::optional<AttemptId>();
  const auto attempt = AttemptId::parse(text_at(event, "/data/object/metadata/attempt"));
  return attempt ? std::optional<AttemptId>(*attempt) : std::nullopt;
}

}  // namespace market::payment
