#pragma once
/// The gateway's check of tokens, with the keys that the roles share in auth.key_file. A file that is not
/// there yet (the services make it) is waited for; until then nobody who must be signed in gets through.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "apps/settings/settings.hpp"
#include "services/auth/authenticator.hpp"
#include "services/gateway/proxy.hpp"
#include "wire/auth/access_token.hpp"

namespace market::apps {

class TokenKeys {
 public:
  /// Throws UsageError when the file is there and cannot be used.
  explicit TokenKeys(const Settings& settings);
  ~TokenKeys();
  /// Null without a key file, or while it is waited for.
  const auth::Authenticator* authenticator() const;
  /// Signed with the key of that; empty without one.
  std::string key_holder_token() const;
  /// What the services say of ended sessions goes here.
  auth::DeniedSessions& denied() { return denied_; }
  const Clock& wall() const { return wall_; }
  /// Why tokens cannot be checked though they should be.
  std::optional<std::string> missing() const;
  /// Looks for the file until it is there; `proxy` is told then.
  void wait_for_file(gateway::Proxy& proxy);
  /// Reads the file that `settings` name. Throws UsageError; the keys before stay then.
  void reload(const Settings& settings, gateway::Proxy& proxy);

 private:
  struct Check;
  /// `proxy` may be null.
  void use(std::vector<wire::SigningKey> keys, gateway::Proxy* proxy);
  void look(gateway::Proxy& proxy);

  const Settings settings_;
  const std::string path_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  auth::DeniedSessions denied_;
  WallClock wall_;
  std::unique_ptr<Check> check_;
  std::thread waiting_;
};

}  // namespace market::apps
