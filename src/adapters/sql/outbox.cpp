#include "adapters/sql/outbox.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sql/followed_to.hpp"
#include "adapters/sql/instants.hpp"
#include "adapters/sql/main_database.hpp"
#include "domain/account/email.hpp"

namespace market::sql {
namespace {

constexpr const char* follower = "mails";  ///< Of the log.

const long long never = millis_of(Instant::max());

std::string context_of(std::string_view column, long long id) {
  return fmt::format("mails.{}.{}", column, id);
}

int count(soci::session& sql, std::string_view where, int most) {
  int found = 0;
  sql << fmt::format("SELECT count(*) FROM (SELECT 1 FROM mails WHERE {} LIMIT {}) AS some", where, most),
      soci::into(found);
  return found;
}

Result<> expect_room(soci::session& sql, int more, int most) {
  if (count(sql, "state = 'waiting'", most) + more <= most) return {};
  return fail(Code::overloaded, "too many mails are waiting");
}

constexpr long long day_ms = 24LL * 3600 * 1000, unreadable_wait_ms = 3600 * 1000;

/// Counts one more to this address, unless it has had enough. By the address and not by the account, which
/// can be ended and made anew: neither the outbox nor a stranger's mailbox is filled by orders.
bool count_to(soci::session& sql, const std::string& address_index, long long now) {
  long long since = 0;
  int mails = 0;
  sql << "SELECT since, mails FROM mailed_addresses WHERE address_index = :address", soci::use(address_index),
      soci::into(since), soci::into(mails);
  const bool is_known = sql.got_data();
  if (!is_known || since <= now - day_ms || since > now) {
    since = now;
    mails = 0;
  }
  if (mails >= outbox_user_mails_max) return false;
  ++mails;
  if (is_known)
    sql << "UPDATE mailed_addresses SET since = :since, mails = :mails WHERE address_index = :address",
        soci::use(since), soci::use(mails), soci::use(address_index);
  else
    sql << "INSERT INTO mailed_addresses(address_index, since, mails) VALUES(:address, :since, :mails)",
        soci::use(address_index), soci::use(since), soci::use(mails);
  return true;
}

bool is_kept(soci::session& sql, const OutboxMail& mail) {
  int known = 0;
  sql << "SELECT 1 FROM mails WHERE message_id = :message", soci::use(mail.message_id), soci::into(known);
  return sql.got_data();
}

void insert(soci::session& sql, const FieldCipher& cipher, const OutboxMail& each) {
  const Mail& mail = each.mail;
  const long long id = each.id.value, user = mail.user.value, order = mail.order.value,
                  created_at = millis_of(each.created_at), ends_at = millis_of(mail.ends_at),
                  next_at = millis_of(each.next_at);
  const int urgent = mail.urgent ? 1 : 0;
  const std::string to = cipher.encrypt(mail.to, context_of("recipient", id)),
                    subject = cipher.encrypt(mail.subject, context_of("subject", id)),
                    text = cipher.encrypt(mail.text, context_of("body", id));
  sql << "INSERT INTO mails(id, message_id, kind, user_id, order_id, state, urgent, recipient, subject, "
         "body, "
         "created_at, ends_at, next_at, tries, reason) VALUES(:id, :message, :kind, :user, :order, "
         "'waiting', "
         ":urgent, :to, :subject, :body, :created, :ends, :next, 0, '')",
      soci::use(id), soci::use(each.message_id), soci::use(mail.kind), soci::use(user), soci::use(order),
      soci::use(urgent), soci::use(to), soci::use(subject), soci::use(text), soci::use(created_at),
      soci::use(ends_at), soci::use(next_at);
}

constexpr std::string_view columns =
    "id, message_id, kind, user_id, order_id, state, urgent, recipient, subject, body, created_at, ends_at, "
    "next_at, tries, reason, sent_at";

/// Reads rows of `columns` in turn.
class MailRows {
 public:
  MailRows(soci::session& sql, const FieldCipher& cipher, const std::string& rest)
      : cipher_(cipher),
        rows_((sql.prepare << fmt::format("SELECT {} FROM mails {}", columns, rest), soci::into(id_),
               soci::into(mail_.message_id), soci::into(mail_.mail.kind), soci::into(user_),
               soci::into(order_), soci::into(state_), soci::into(urgent_), soci::into(to_),
               soci::into(subject_), soci::into(text_), soci::into(created_at_), soci::into(ends_at_),
               soci::into(next_at_), soci::into(mail_.tries), soci::into(mail_.reason),
               soci::into(sent_at_, is_sent_))) {}

  /// Of a mail whose values cannot be read, because they were changed or this process lacks the key, the
  /// reason says so, they are empty, and its id joins `unreadable`: all others are not to wait for it.
  std::vector<OutboxMail> all(std::vector<MailId>* unreadable = nullptr) {
    std::vector<OutboxMail> found;
    rows_.execute();
    while (rows_.fetch()) {
      OutboxMail mail = mail_;
      mail.id = MailId{id_};
      mail.mail.user = UserId{user_};
      mail.mail.order = OrderId{order_};
      mail.mail.urgent = urgent_ != 0;
      mail.mail.ends_at = instant_of(ends_at_);
      mail.state = parse_mail_state(state_).value_or(MailState::failed);
      mail.created_at = instant_of(created_at_);
      mail.next_at = instant_of(next_at_);
      if (is_sent_ == soci::i_ok) mail.sent_at = instant_of(sent_at_);
      const std::pair<const char*, std::pair<std::string*, const std::string*>> fields[] = {
          {"recipient", {&mail.mail.to, &to_}},
          {"subject", {&mail.mail.subject, &subject_}},
          {"body", {&mail.mail.text, &text_}}};
      Result<> readable;
      for (const auto& [column, places] : fields) {
        if (places.second->empty()) continue;
        auto plain = cipher_.decrypt(*places.second, context_of(column, id_));
        if (plain)
          *places.first = std::move(*plain);
        else
          readable = fail(plain.error());
      }
      if (!readable) {
        mail.mail.to = mail.mail.subject = mail.mail.text = {};
        mail.reason = readable.error().detail;
        if (unreadable != nullptr) unreadable->push_back(mail.id);
      }
      found.push_back(std::move(mail));
    }
    return found;
  }

 private:
  const FieldCipher& cipher_;
  long long id_ = 0, user_ = 0, order_ = 0, created_at_ = 0, ends_at_ = 0, next_at_ = 0, sent_at_ = 0;
  int urgent_ = 0;
  soci::indicator is_sent_ = soci::i_null;
  std::string state_, to_, subject_, text_;
  OutboxMail mail_;
  soci::statement rows_;
};

/// Of those that are over only the newest are kept, and of a mail that was sent nothing personal.
void forget_old(soci::session& sql, std::string_view state) {
  long long oldest_kept = 0;
  sql << fmt::format("SELECT id FROM mails WHERE state = '{}' ORDER BY id DESC LIMIT 1 OFFSET {}", state,
                     outbox_kept_max - 1),
      soci::into(oldest_kept);
  if (!sql.got_data()) return;
  sql << fmt::format("DELETE FROM mails WHERE state = '{}' AND id < :oldest", state), soci::use(oldest_kept);
}

}  // namespace

Task<> SqlOutbox::put(OutboxMail mail) {
  return database_.write([this, mail = std::move(mail)](soci::session& sql) -> Result<> {
    if (auto room = expect_room(sql, 1, outbox_mails_max); !room) return room;
    if (!is_kept(sql, mail)) insert(sql, cipher_, mail);
    return {};
  });
}

Task<> SqlOutbox::put_for(std::vector<OutboxMail> mails, FollowedTo to) {
  return database_.write([this, mails = std::move(mails), to](soci::session& sql) -> Result<> {
    if (auto room = expect_room(sql, static_cast<int>(mails.size()), outbox_order_mails_max); !room)
      return room;
    for (const OutboxMail& mail : mails) {
      if (is_kept(sql, mail)) continue;
      const std::string address = cipher_.blind_index(email_key(mail.mail.to));
      if (count_to(sql, address, millis_of(mail.created_at))) insert(sql, cipher_, mail);
    }
    if (!mails.empty()) {
      const long long past = millis_of(mails.back().created_at) - day_ms;
      sql << "DELETE FROM mailed_addresses WHERE since <= :past", soci::use(past);
    }
    keep_place(sql, follower, to);
    return {};
  });
}

Task<std::optional<FollowedTo>> SqlOutbox::followed_to() {
  return database_.read([](soci::session& sql) -> Result<std::optional<FollowedTo>> {
    return Result<std::optional<FollowedTo>>(find_place(sql, follower));
  });
}

Task<> SqlOutbox::forget_place() {
  return database_.write([](soci::session& sql) -> Result<> {
    sql << "DELETE FROM followers WHERE name = :name", soci::use(std::string(follower));
    return {};
  });
}

Task<std::vector<OutboxMail>> SqlOutbox::due(Instant now, int limit) {
  return database_.write(
      [this, at = millis_of(now), limit](soci::session& sql) -> Result<std::vector<OutboxMail>> {
        sql << "DELETE FROM mails WHERE state = 'waiting' AND ends_at <= :now", soci::use(at);
        std::vector<MailId> unreadable;
        auto found = MailRows(sql, cipher_,
                              fmt::format("WHERE state = 'waiting' AND next_at <= {} ORDER BY urgent DESC, "
                                          "next_at, id LIMIT {}",
                                          at, limit))
                         .all(&unreadable);
        for (const MailId id : unreadable) {
          const auto mail =
              std::find_if(found.begin(), found.end(), [id](const auto& each) { return each.id == id; });
          const long long key = id.value, later = at + unreadable_wait_ms;
          sql << "UPDATE mails SET next_at = :later, reason = :reason WHERE id = :id", soci::use(later),
              soci::use(mail->reason), soci::use(key);
          found.erase(mail);
        }
        return found;
      });
}

Task<std::optional<Instant>> SqlOutbox::next_due() {
  return database_.read([](soci::session& sql) -> Result<std::optional<Instant>> {
    long long at = 0;
    sql << "SELECT next_at FROM mails WHERE state = 'waiting' ORDER BY next_at LIMIT 1", soci::into(at);
    if (!sql.got_data()) return std::optional<Instant>();
    return std::optional<Instant>(instant_of(at));
  });
}

Task<> SqlOutbox::mark_sent(MailId id, Instant now, bool keep_text) {
  return database_.write([key = static_cast<long long>(id.value), at = millis_of(now),
                          keep_text](soci::session& sql) -> Result<> {
    sql << fmt::format(
        "UPDATE mails SET state = 'sent', sent_at = :now, tries = tries + 1, reason = ''{} "
        "WHERE id = :id AND state <> 'sent'",
        keep_text ? "" : ", recipient = '', subject = '', body = ''"),
        soci::use(at), soci::use(key);
    constexpr long long now_and_then = 64;
    if (key % now_and_then == 0) forget_old(sql, "sent");
    return {};
  });
}

Task<bool> SqlOutbox::mark_failed(MailId id, int tries, std::optional<Instant> next_at, std::string reason) {
  return database_.write([key = static_cast<long long>(id.value), tries, next_at_given = next_at.has_value(),
                          at = millis_of(next_at.value_or(Instant::max())),
                          reason = std::move(reason)](soci::session& sql) -> Result<bool> {
    const std::string now_is = next_at_given ? "waiting" : "failed";
    soci::statement change =
        (sql.prepare << "UPDATE mails SET state = :state, next_at = :at, tries = tries + 1, reason = :reason "
                        "WHERE id = :id AND state = 'waiting' AND tries = :tries",
         soci::use(now_is), soci::use(at), soci::use(reason), soci::use(key), soci::use(tries));
    change.execute(true);
    if (change.get_affected_rows() == 0) return false;
    if (!next_at_given) forget_old(sql, "failed");
    return true;
  });
}

Task<std::vector<OutboxMail>> SqlOutbox::list(std::optional<MailState> state, MailId before, int limit) {
  return database_.read([this, state, first = before ? before.value : INT64_MAX,
                         limit](soci::session& sql) -> Result<std::vector<OutboxMail>> {
    const std::string of_state = state ? fmt::format("state = '{}' AND ", text_of(*state)) : std::string();
    return MailRows(sql, cipher_,
                    fmt::format("WHERE {}id < {} ORDER BY id DESC LIMIT {}", of_state, first, limit))
        .all();
  });
}

Task<OutboxMail> SqlOutbox::retry(MailId id, Instant now) {
  return database_.write([this, key = static_cast<long long>(id.value),
                          at = millis_of(now)](soci::session& sql) -> Result<OutboxMail> {
    sql << "UPDATE mails SET state = 'waiting', next_at = :now, tries = 0, ends_at = :never WHERE id = :id "
           "AND "
           "state = 'failed'",
        soci::use(at), soci::use(never), soci::use(key);
    auto found = MailRows(sql, cipher_, fmt::format("WHERE id = {}", key)).all();
    if (found.empty()) return fail(Code::not_found, "there is no such mail");
    return std::move(found.front());
  });
}

Task<std::int64_t> SqlOutbox::waiting() {
  return database_.read([](soci::session& sql) -> Result<std::int64_t> {
    return count(sql, "state = 'waiting'", outbox_mails_max);
  });
}

}  // namespace market::sql
