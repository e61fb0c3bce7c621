#pragma once
/// ports/outbox.hpp on the ordinary rows.

#include "ports/field_cipher.hpp"
#include "ports/outbox.hpp"

namespace market::sql {

class MainDatabase;

class SqlOutbox final : public Outbox {
 public:
  SqlOutbox(MainDatabase& database, const FieldCipher& cipher) : database_(database), cipher_(cipher) {}
  Task<> put(OutboxMail mail) override;
  Task<> put_for(std::vector<OutboxMail> mails, FollowedTo to) override;
  Task<std::optional<FollowedTo>> followed_to() override;
  Task<> forget_place() override;
  Task<std::vector<OutboxMail>> due(Instant now, int limit) override;
  Task<std::optional<Instant>> next_due() override;
  Task<> mark_sent(MailId id, Instant now, bool keep_text) override;
  Task<bool> mark_failed(MailId id, int tries, std::optional<Instant> next_at, std::string reason) override;
  Task<std::vector<OutboxMail>> list(std::optional<MailState> state, MailId before, int limit) override;
  Task<OutboxMail> retry(MailId id, Instant now) override;
  Task<std::int64_t> waiting() override;

 private:
  MainDatabase& database_;
  const FieldCipher& cipher_;
};

}  // namespace market::sql
