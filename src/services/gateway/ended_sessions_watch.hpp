#pragma once
/// Learns from user instances which sessions have ended, for routes that are `authenticated`: whoever stands
/// behind them may not check. Of the services each checks again.

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/task.hpp"
#include "services/auth/denied_sessions.hpp"
#include "services/gateway/balancer.hpp"

namespace market::gateway {

class EndedSessionsWatch {
 public:
  struct Parts {
    Balancer& balancer;
    auth::DeniedSessions& denied;
    const Clock& wall;
    std::function<std::string()> token;  ///< auth::key_holder_token(); empty: nobody needs to know now.
  };
  /// Works on `executor`, of an HTTP server's thread, until destroyed, which must happen there or after it
  /// has ended.
  EndedSessionsWatch(Parts parts, asio::any_io_executor executor);
  ~EndedSessionsWatch();
  void start();
  /// What an operator should know: that nobody tells. Any thread.
  std::optional<std::string> warning() const;

 private:
  struct Shared;
  static asio::awaitable<void> watch(std::shared_ptr<Shared> shared);
  static asio::awaitable<bool> look(std::shared_ptr<Shared> shared, std::string token);
  static asio::awaitable<bool> ask(std::shared_ptr<Shared> shared, std::string token, BackendPtr instance);
  std::shared_ptr<Shared> shared_;
};

}  // namespace market::gateway
