#pragma once
/// The files that the gateway's settings name: token key, certificate, access log. Every mistake is a
/// UsageError that begins with the setting's name.

#include <memory>
#include <vector>

#include "apps/settings/settings.hpp"
#include "http/server/tls.hpp"
#include "wire/auth/access_token.hpp"

namespace market::apps {

/// The services' keys, the newest first: they share the files, or we have copies. Empty without
/// `auth.key_file`. Throws UsageError: unreadable, open to others, too short.
std::vector<wire::SigningKey> token_keys_of(const Settings& settings);

/// Null: plain HTTP. Throws UsageError: only one of the two, unreadable, not a pair.
std::shared_ptr<http::TlsContext> tls_of(const Settings& settings);

/// Whether `http.access_log` can be written, without making it. Throws UsageError.
void check_access_log(const Settings& settings);

}  // namespace market::apps
