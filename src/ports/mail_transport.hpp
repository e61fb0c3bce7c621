#pragma once
/// Hands one mail over to the server that delivers it.

#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace market {

struct MailToSend {
  std::string message_id;  ///< The part before its @. The same each time: a receiver can tell a repeat.
  std::string to, subject, text;
  Instant written_at{};
};

enum class MailOutcome : std::uint8_t {
  accepted,
  refused,      ///< The server will not take this mail, however often it is asked.
  again,        ///< It would not take this mail now, or nobody knows whether it did.
  unreachable,  ///< There is no server to speak with, or it will not let us in.
};

struct MailAnswer {
  MailOutcome outcome = MailOutcome::accepted;
  std::string reason;  ///< For operators; no address in it.
};

class MailTransport {
 public:
  virtual ~MailTransport() = default;
  /// Blocks, for a bounded time; one thread at a time.
  virtual MailAnswer deliver(const MailToSend& mail) = 0;
  /// Any thread: a deliver() that is under way ends soon, as `unreachable`, and so do all after it.
  virtual void stop() = 0;
};

}  // namespace market
