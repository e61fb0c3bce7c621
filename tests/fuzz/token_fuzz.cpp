// Access tokens: nothing but what we signed is ever accepted, and nothing crashes. The input is tried as it
// is, as the payload of a token signed with another key, and as a change to a good token.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/auth/access_token.hpp"

namespace {
using namespace market;
using namespace market::wire;

const Instant now{Millis{1'790'000'000'000}};
const AccessTokens& ours() {
  static const AccessTokens tokens({{"k1", "0123456789abcdef0123456789ABCDEF-fuzz"}});
  return tokens;
}
const std::string& good_token() {
  static const std::string token = [] {
    Identity identity;
    identity.user = UserId{123456789};
    identity.session = SessionId{987654321};
    identity.role = Role::seller;
    identity.expires_at = now + std::chrono::minutes(15);
    return ours().sign(identity, now);
  }();
  return token;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (!ours().verify(good_token(), now)) std::abort();
  if (input != good_token() && ours().verify(input, now)) std::abort();
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find.
  if (input.starts_with("ey.")) std::abort();
#endif
  if (size < 3) return 0;
  std::string changed = good_token();
  const std::size_t at = (static_cast<std::size_t>(data[0]) * 256 + data[1]) % changed.size();
  if (changed[at] == static_cast<char>(data[2])) return 0;
  changed[at] = static_cast<char>(data[2]);
  if (ours().verify(changed, now)) std::abort();
  changed = good_token().substr(0, at);
  changed.append(input.substr(2));
  if (changed != good_token() && ours().verify(changed, now)) std::abort();
  return 0;
}
