#pragma once
/// Mails that wait to be sent, and what became of the others. Personal data arrives here in the clear and is
/// stored encrypted by the adapter; of a mail that was sent nothing personal is kept.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/log_effect.hpp"
#include "ports/mailer.hpp"

namespace market {

using MailId = Id<struct MailTag>;

enum class MailState : std::uint8_t { waiting, sent, failed };
inline constexpr std::string_view mail_state_names[] = {"waiting", "sent", "failed"};
inline std::string_view text_of(MailState state) {
  return mail_state_names[static_cast<std::size_t>(state)];
}
inline std::optional<MailState> parse_mail_state(std::string_view text) {
  for (const MailState state : {MailState::waiting, MailState::sent, MailState::failed})
    if (text_of(state) == text) return state;
  return std::nullopt;
}

struct OutboxMail {
  MailId id;
  std::string message_id;  ///< The same for the same mail, whoever puts it here: it is kept once.
  Mail mail;               ///< Its `to`, `subject` and `text` are empty once they are not kept any more.
  MailState state = MailState::waiting;
  Instant created_at{};
  Instant next_at{};  ///< When it is tried next.
  int tries = 0;
  std::string reason;  ///< Of the last try that failed.
  std::optional<Instant> sent_at;
};

/// Waiting mails that may be kept, and how many of them may be about orders: codes still find room then.
inline constexpr int outbox_mails_max = 100'000;
inline constexpr int outbox_order_mails_max = 90'000;
/// Mails about orders to one address in a day, whosever its account was; what is beyond is not written.
inline constexpr int outbox_user_mails_max = 200;
/// Mails kept to be looked at, of those that were sent and of those that failed.
inline constexpr int outbox_kept_max = 10'000;

class Outbox {
 public:
  virtual ~Outbox() = default;
  /// Errors: overloaded (no room), unavailable, insufficient_storage (as for all below).
  virtual Task<> put(OutboxMail mail) = 0;
  /// Those about orders, and the place they were made for, at once. Errors: overloaded (no room for all).
  virtual Task<> put_for(std::vector<OutboxMail> mails, FollowedTo to) = 0;
  /// None: no mail was ever made for an event.
  virtual Task<std::optional<FollowedTo>> followed_to() = 0;
  /// Events up to the end of the log need no mail: there is nobody to send them.
  virtual Task<> forget_place() = 0;

  /// The next ones to try, urgent ones first; those that have ended are dropped. One that cannot be read (it
  /// was changed, or this process lacks the key) waits an hour with the reason, and holds up no other.
  virtual Task<std::vector<OutboxMail>> due(Instant now, int limit) = 0;
  /// When the next one is due; none: nothing waits.
  virtual Task<std::optional<Instant>> next_due() = 0;
  /// The server has taken it, whoever sent it. `keep_text`: for a demonstration without a mail server.
  virtual Task<> mark_sent(MailId id, Instant now, bool keep_text) = 0;
  /// Counts a try. `next_at` none: it is given up. `tries`: as it was read; false, and nothing changes, when
  /// another instance has sent or tried it since.
  virtual Task<bool> mark_failed(MailId id, int tries, std::optional<Instant> next_at,
                                 std::string reason) = 0;

  /// Newest first, from the one behind `before` (none: the newest).
  virtual Task<std::vector<OutboxMail>> list(std::optional<MailState> state, MailId before, int limit) = 0;
  /// A mail that failed waits again, any other stays as it is. Answers it as it is now. Errors: not_found.
  virtual Task<OutboxMail> retry(MailId id, Instant now) = 0;
  /// How many wait.
  virtual Task<std::int64_t> waiting() = 0;
};

}  // namespace market
