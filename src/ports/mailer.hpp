#pragma once
/// Sends mails, behind the back of whoever asks: how long one takes, and whether it can be sent at all, tells
/// a client nothing about the account that it is for.

#include <string>

#include "base/id.hpp"
#include "base/result.hpp"

namespace market {

struct Mail {
  std::string kind;  ///< A word for operators and logs: `verification`, `order.paid`.
  std::string to, subject, text;
  UserId user;    ///< Whose mail it is: it goes with the account. None: nobody's.
  OrderId order;  ///< That it is about; none: about no order.
  /// Not sent any more from then on: a code has ended.
  Instant ends_at = Instant::max();
  bool urgent = false;  ///< Somebody waits for it: it goes before those that are not.
};

class Mailer {
 public:
  virtual ~Mailer() = default;
  /// Puts the mail into a bounded queue, from which mails go out; one that cannot be kept is logged.
  /// Any thread, never blocks. Errors: overloaded.
  virtual Result<> send(Mail mail) = 0;
};

}  // namespace market
