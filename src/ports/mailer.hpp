#pragma once
/// Sends mails, behind the back of whoever asks: how long one takes, and whether it can be sent at all, tells
/// a client nothing about the account that it is for.

#include <string>

#include "base/result.hpp"

namespace market {

class Mailer {
 public:
  virtual ~Mailer() = default;
  /// Puts the mail into a bounded queue, from which mails go out in order; one that cannot be sent is logged.
  /// Any thread, never blocks. Errors: overloaded.
  virtual Result<> send(std::string to, std::string subject, std::string text) = 0;
};

}  // namespace market
