#include "apps/roles/token_keys.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "adapters/files/signing_keys.hpp"
#include "apps/settings/gateway_files.hpp"
#include "services/auth/ended_sessions.hpp"

namespace market::apps {
namespace {

constexpr Millis look_every{500};

}  // namespace

struct TokenKeys::Check {
  Check(std::vector<wire::SigningKey> keys, const auth::DeniedSessions& denied, const Clock& wall)
      : tokens(std::move(keys)), authenticator(tokens, denied, wall) {}
  wire::AccessTokens tokens;
  auth::Authenticator authenticator;
};

TokenKeys::TokenKeys(const Settings& settings) : settings_(settings), path_(settings.text("auth.key_file")) {
  if (path_.empty()) return;
  if (files::has_signing_keys(path_))
    use(token_keys_of(settings_), nullptr);
  else
    spdlog::warn("auth.key_file: {} is not there yet; waiting for it, and not ready until then", path_);
}

TokenKeys::~TokenKeys() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  if (waiting_.joinable()) waiting_.join();
}

const auth::Authenticator* TokenKeys::authenticator() const {
  const std::lock_guard lock(mutex_);
  return check_ ? &check_->authenticator : nullptr;
}

std::string TokenKeys::key_holder_token() const {
  const std::lock_guard lock(mutex_);
  return check_ ? auth::key_holder_token(check_->tokens, wall_.now()) : std::string();
}

std::optional<std::string> TokenKeys::missing() const {
  if (path_.empty() || authenticator()) return std::nullopt;
  return fmt::format("auth.key_file: {} is not there yet: tokens cannot be checked", path_);
}

void TokenKeys::use(std::vector<wire::SigningKey> keys, gateway::Proxy* proxy) {
  const std::lock_guard lock(mutex_);
  if (check_)
    check_->tokens.replace(std::move(keys));
  else
    check_ = std::make_unique<Check>(std::move(keys), denied_, wall_);
  if (proxy) proxy->set_authenticator(check_->authenticator);  // Before missing() says that it checks.
}

void TokenKeys::wait_for_file(gateway::Proxy& proxy) {
  if (missing()) waiting_ = std::thread([this, &proxy] { look(proxy); });
}

void TokenKeys::look(gateway::Proxy& proxy) {
  std::string told;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stopping_.wait_for(lock, look_every, [this] { return stopped_ || check_; })) return;
    }
    if (!files::has_signing_keys(path_)) continue;
    try {
      use(token_keys_of(settings_), &proxy);
      spdlog::info("auth.key_file: {} is there: tokens are checked from now on", path_);
      return;
    } catch (const std::exception& mistake) {
      // It may be half written; what stays wrong is told once.
      if (told != mistake.what()) spdlog::error("{}; still waiting", told = mistake.what());
    }
  }
}

void TokenKeys::reload(const Settings& settings, gateway::Proxy& proxy) {
  const auto path = settings.text("auth.key_file");
  if (path.empty() || (!authenticator() && !files::has_signing_keys(path))) return;
  use(token_keys_of(settings), &proxy);
}

}  // namespace market::apps
