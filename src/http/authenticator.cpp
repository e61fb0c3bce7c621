#include "http/authenticator.hpp"

#include <algorithm>
#include <vector>

#include "http/ascii.hpp"

namespace market::http {
namespace {

/// Tokens this thread has checked: a direct-mapped table, so it never grows. About 24 MiB a thread when full
/// of 300-byte tokens; made with the first token.
struct CheckedToken {
  std::string token;
  wire::Identity identity;
  const void* keys = nullptr;  ///< Of these keys only: tests and tools have several sets.
};
constexpr std::size_t checked_tokens_max = 65'536;

CheckedToken& slot_for(std::string_view token) {
  thread_local std::vector<CheckedToken> table(checked_tokens_max);
  // The signature is the end of a token and as good as random.
  return table[std::hash<std::string_view>{}(
                   token.substr(token.size() - std::min<std::size_t>(token.size(), 43))) %
               checked_tokens_max];
}

tl::unexpected<Error> refused() {
  return fail(Code::unauthenticated, "sign in first");
}

/// The token of exactly one `Authorization: Bearer <token>` header (RFC 6750, section 2.1).
Result<std::string_view> bearer_token(const Request& request) {
  if (request.count_headers("Authorization") != 1) return refused();
  const std::string_view value = request.header("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (value.size() <= scheme.size() || !same_letters(value.substr(0, scheme.size()), scheme))
    return refused();
  const std::string_view token = value.substr(scheme.size());
  if (token.find(' ') != std::string_view::npos) return refused();
  return token;
}

}  // namespace

Result<wire::Identity> Authenticator::identify(const Request& request) const {
  const auto token = bearer_token(request);
  if (!token) return fail(token.error());
  const Instant now = clock_.now();
  CheckedToken& checked = slot_for(*token);
  if (checked.keys != &tokens_ || checked.token != *token) {
    const auto identity = tokens_.verify(*token, now);
    if (!identity) return fail(identity.error());
    checked.token = *token;
    checked.identity = *identity;
    checked.keys = &tokens_;
  }
  if (!still_holds(checked.identity)) return refused();
  return checked.identity;
}

bool Authenticator::still_holds(const wire::Identity& identity) const {
  return identity.expires_at > clock_.now() && !denied_.is_denied(identity.session);
}

Result<wire::Identity> Authenticator::require(const Request& request,
                                              std::initializer_list<Role> roles) const {
  auto identity = identify(request);
  if (identity && std::find(roles.begin(), roles.end(), identity->role) == roles.end())
    return fail(Code::forbidden, "your role may not do this");
  return identity;
}

}  // namespace market::http
