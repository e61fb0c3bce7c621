#pragma once
/// The outbox as operators see it, and, in a demonstration, the mails themselves.

#include "http/server/router.hpp"
#include "ports/outbox.hpp"
#include "services/auth/authenticator.hpp"
#include "services/user/send_mails.hpp"

namespace market::user {

/// What the routes use; all of it outlives the server.
struct MailParts {
  const auth::Authenticator& authenticator;
  Outbox& outbox;
  SendMails& mails;
  const Clock& clock;
};

/// `show_texts`: also /dev/mail, to callers on this machine, with everything that was mailed.
void add_mail_routes(http::Router& router, const MailParts& parts, bool show_texts,
                     const std::string& base = "/api/v1/admin");

}  // namespace market::user
