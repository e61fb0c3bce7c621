#pragma once
/// Sends mails.

#include <string>

#include "base/task.hpp"

namespace market {

class Mailer {
 public:
  virtual ~Mailer() = default;
  /// Errors: unavailable, overloaded.
  virtual Task<> send(std::string to, std::string subject, std::string text) = 0;
};

}  // namespace market
