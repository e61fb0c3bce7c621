#pragma once
/// Posts an event to somebody else's server.

#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/task.hpp"
#include "base/time.hpp"

namespace market {

struct WebhookPost {
  std::string url;
  std::string id;                    ///< The same each time: the receiver can tell a repeat.
  std::vector<std::string> secrets;  ///< Each signs, so that one can take the other's place.
  std::string body;
  Instant at{};
  UserId seller;  ///< Whose webhook it is; none: the operators'.
};

struct WebhookAnswer {
  int status = 0;      ///< 0: there was none.
  std::string reason;  ///< Why it was not taken; empty: it was.
};

class WebhookSender {
 public:
  virtual ~WebhookSender() = default;
  /// Why nothing is sent to this URL; empty: it may be. What a name leads to is judged again by each
  /// post_event().
  virtual std::string trouble_with(const std::string& url) const = 0;
  /// Answers in a bounded time, whatever the receiver does; posts of sellers take none of the operators'
  /// room. Errors: overloaded (too many at once; nothing was sent).
  virtual Task<WebhookAnswer> post_event(WebhookPost post) = 0;
  /// A new secret as receivers are given it.
  virtual std::string new_secret() = 0;
  /// Any thread: those under way end soon.
  virtual void stop() = 0;
};

}  // namespace market
