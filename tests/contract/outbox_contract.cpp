/// ports/outbox.hpp: what every adapter must keep.
#include <fstream>

#include "adapters/sql/account_care.hpp"
#include "adapters/sql/accounts.hpp"
#include "adapters/sql/outbox.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

class OutboxContract : public MainDatabaseContract {
 protected:
  static OutboxMail mail(std::int64_t id, const std::string& to = "kim@example.kr") {
    OutboxMail each;
    each.id = MailId{id};
    each.message_id = "mail." + std::to_string(id);
    each.created_at = each.next_at = at(id);
    each.mail.kind = "verification";
    each.mail.to = to;
    each.mail.subject = "제목 of " + std::to_string(id);
    each.mail.text = "본문\r\nof it";
    return each;
  }
  static OutboxMail about_order(std::int64_t id, std::int64_t user) {
    OutboxMail each = mail(id);
    each.mail.user = UserId{user};
    each.mail.order = OrderId{id};
    return each;
  }
  std::vector<std::int64_t> due(std::int64_t second, int limit = 10) {
    std::vector<std::int64_t> ids;
    const auto due = run(outbox_.due(at(second), limit));
    for (const OutboxMail& each : *due) ids.push_back(each.id.value);
    return ids;
  }
  /// Nothing personal lies in a file of ours; a database of others is looked at by tests/e2e.
  std::string disk() {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }
  using Ids = std::vector<std::int64_t>;
  TestClock clock_{at(5)};
  sql::SqlOutbox outbox_{database_, cipher_};
};

TEST_P(OutboxContract, GivesBackWhatItWasGivenAndWritesNothingInTheClear) {
  ASSERT_TRUE(run(outbox_.put(mail(1, "zebulon@example.kr"))));
  const OutboxMail found = run(outbox_.due(at(1), 10))->front();
  EXPECT_EQ(found.message_id, "mail.1");
  EXPECT_EQ(found.mail.to, "zebulon@example.kr");
  EXPECT_EQ(found.mail.subject, "제목 of 1");
  EXPECT_EQ(found.mail.text, "본문\r\nof it");
  EXPECT_EQ(found.mail.ends_at, Instant::max());
  EXPECT_EQ(found.state, MailState::waiting);
  for (const char* word : {"zebulon", "제목", "본문"})
    EXPECT_EQ(disk().find(word), std::string::npos) << word;
}

TEST_P(OutboxContract, IsReadInTurnAndUrgentOnesFirst) {
  for (const std::int64_t id : {3, 1, 2}) ASSERT_TRUE(run(outbox_.put(mail(id))));
  OutboxMail urgent = mail(4);
  urgent.mail.urgent = true;
  ASSERT_TRUE(run(outbox_.put(urgent)));
  EXPECT_EQ(due(10), (Ids{4, 1, 2, 3}));
  EXPECT_EQ(due(2), (Ids{1, 2})) << "not before their time";
  EXPECT_EQ(due(10, 1), Ids{4});
  EXPECT_EQ(**run(outbox_.next_due()), at(1));
}

TEST_P(OutboxContract, AMailThatHasEndedIsDropped) {
  OutboxMail code = mail(1);
  code.mail.ends_at = at(5);
  ASSERT_TRUE(run(outbox_.put(code)));
  EXPECT_EQ(due(4), Ids{1});
  EXPECT_EQ(due(5), Ids{});
  EXPECT_TRUE(run(outbox_.list(std::nullopt, {}, 10))->empty());
  EXPECT_FALSE(run(outbox_.next_due())->has_value());
}

TEST_P(OutboxContract, NothingPersonalIsKeptOfASentOne) {
  ASSERT_TRUE(run(outbox_.put(mail(1))));
  ASSERT_TRUE(run(outbox_.put(mail(2))));
  ASSERT_TRUE(run(outbox_.mark_sent(MailId{1}, at(7), false)));
  ASSERT_TRUE(run(outbox_.mark_sent(MailId{2}, at(7), true)));
  const auto all = *run(outbox_.list(MailState::sent, {}, 10));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].mail.to, "kim@example.kr") << "kept for a demonstration";
  EXPECT_EQ(all[1].mail.to + all[1].mail.subject + all[1].mail.text, "");
  EXPECT_EQ(all[1].sent_at, at(7));
  EXPECT_EQ(due(10), Ids{});
}

TEST_P(OutboxContract, AFailedTryIsCountedAndTheLastOneGivesUp) {
  ASSERT_TRUE(run(outbox_.put(mail(1))));
  ASSERT_TRUE(run(outbox_.mark_failed(MailId{1}, 0, at(60), "451")));
  EXPECT_EQ(due(59), Ids{});
  EXPECT_EQ(due(60), Ids{1});
  ASSERT_TRUE(run(outbox_.mark_failed(MailId{1}, 1, std::nullopt, "550")));
  EXPECT_EQ(due(9'999), Ids{});
  const OutboxMail failed = run(outbox_.list(MailState::failed, {}, 10))->front();
  EXPECT_EQ(failed.tries, 2);
  EXPECT_EQ(failed.reason, "550");
  EXPECT_EQ(run(outbox_.retry(MailId{1}, at(100)))->state, MailState::waiting);
  EXPECT_EQ(due(100), Ids{1});
  EXPECT_EQ(run(outbox_.retry(MailId{9}, at(100))).error().code, Code::not_found);
  ASSERT_TRUE(run(outbox_.mark_sent(MailId{1}, at(101), false)));
  EXPECT_EQ(run(outbox_.retry(MailId{1}, at(102)))->state, MailState::sent) << "stays as it is";
}

TEST_P(OutboxContract, MailsAndTheirPlaceAreStoredTogetherAndOnce) {
  EXPECT_FALSE(run(outbox_.followed_to())->has_value());
  FollowedTo to{LogId{UINT64_MAX, 2, 3}, UINT64_MAX - 1, 40, 7, UINT64_MAX, 41};
  ASSERT_TRUE(run(outbox_.put_for({about_order(1, 5), about_order(2, 6)}, to)));
  EXPECT_EQ(**run(outbox_.followed_to()), to);
  OutboxMail again = about_order(3, 5);
  again.message_id = "mail.1";
  ++to.last;
  ASSERT_TRUE(run(outbox_.put_for({again}, to)));
  EXPECT_EQ(due(10), (Ids{1, 2})) << "the same Message-ID is the same mail";
  EXPECT_EQ(**run(outbox_.followed_to()), to);
  ASSERT_TRUE(run(outbox_.forget_place()));
  EXPECT_FALSE(run(outbox_.followed_to())->has_value());
}

TEST_P(OutboxContract, OneBuyerTakesOnlyItsShare) {
  std::vector<OutboxMail> many;
  for (std::int64_t id = 1; id <= outbox_user_mails_max + 5; ++id) many.push_back(about_order(id, 5));
  many.push_back(about_order(9'000, 6));
  many.back().mail.to = "lee@example.kr";
  ASSERT_TRUE(run(outbox_.put_for(std::move(many), {})));
  EXPECT_EQ(*run(outbox_.waiting()), outbox_user_mails_max + 1);
}

TEST_P(OutboxContract, AnAddressHasHadEnoughWhateverBecameOfItsAccounts) {
  sql::SqlAccounts accounts{database_, cipher_, clock_};
  sql::SqlAccountCare care{database_, cipher_};
  std::int64_t id = 0;
  // Takes and sends as many as are written, of an account that is then ended.
  const auto written = [&](std::int64_t user, std::string email, Instant now) {
    Account account;
    account.id = UserId{user};
    account.email = email;
    account.password_hash = "secret";
    EXPECT_TRUE(run(accounts.create(account, std::nullopt)));
    std::vector<OutboxMail> mails;
    for (int i = 0; i < outbox_user_mails_max; ++i) {
      mails.push_back(about_order(++id, user));
      mails.back().mail.to = email;
      mails.back().created_at = mails.back().next_at = now;
    }
    EXPECT_TRUE(run(outbox_.put_for(std::move(mails), {})));
    const auto count = *run(outbox_.waiting());
    const auto all = run(outbox_.due(now, outbox_user_mails_max));
    for (const OutboxMail& each : *all) EXPECT_TRUE(run(outbox_.mark_sent(each.id, now, false)));
    EXPECT_TRUE(run(care.erase(UserId{user}, 0, now)));
    return count;
  };
  const auto day = std::chrono::hours(24);
  EXPECT_EQ(written(5, "kim@example.kr", at(1)), outbox_user_mails_max);
  EXPECT_EQ(written(6, "KIM@example.kr", at(2)), 0) << "the same mailbox";
  EXPECT_EQ(written(7, "lee@example.kr", at(2)), outbox_user_mails_max);
  EXPECT_EQ(written(8, "kim@example.kr", at(1) + day - Millis(1)), 0);
  EXPECT_EQ(written(9, "kim@example.kr", at(1) + day), outbox_user_mails_max);
}

TEST_P(OutboxContract, AMailThatCannotBeReadHoldsUpNoOtherAndIsShown) {
  for (const std::int64_t id : {1, 2, 3}) ASSERT_TRUE(run(outbox_.put(mail(id))));
  ASSERT_TRUE(run(database_.write([](soci::session& sql) -> Result<> {
    sql << "UPDATE mails SET body = subject WHERE id = 2";
    return {};
  })));
  EXPECT_EQ(due(10), (Ids{1, 3}));
  EXPECT_EQ(due(10), (Ids{1, 3})) << "nor does it take a place of the batch again and again";
  const auto all = run(outbox_.list(std::nullopt, {}, 10));
  ASSERT_TRUE(all);
  const OutboxMail& damaged = all->at(1);
  EXPECT_EQ(damaged.id, MailId{2});
  EXPECT_EQ(damaged.state, MailState::waiting);
  EXPECT_EQ(damaged.mail.to + damaged.mail.text, "");
  EXPECT_NE(damaged.reason, "");
  EXPECT_TRUE(run(outbox_.retry(MailId{2}, at(20))));
  EXPECT_EQ(due(10 + 3'600), (Ids{1, 3})) << "it is looked at again: another process may lack a key";
}

TEST_P(OutboxContract, AFormerSendersMarkIsLate) {
  ASSERT_TRUE(run(outbox_.put(mail(1))));
  ASSERT_TRUE(run(outbox_.put(mail(2))));
  // Another instance has tried the one and sent the other.
  EXPECT_TRUE(*run(outbox_.mark_failed(MailId{1}, 0, at(60), "451")));
  ASSERT_TRUE(run(outbox_.mark_sent(MailId{2}, at(7), false)));
  EXPECT_FALSE(*run(outbox_.mark_failed(MailId{1}, 0, std::nullopt, "550")));
  EXPECT_FALSE(*run(outbox_.mark_failed(MailId{2}, 0, at(60), "451")));
  ASSERT_TRUE(run(outbox_.mark_sent(MailId{2}, at(9), false)));
  EXPECT_EQ(due(60), Ids{1});
  const OutboxMail sent = run(outbox_.list(MailState::sent, {}, 10))->front();
  EXPECT_EQ(sent.sent_at, at(7));
  EXPECT_EQ(sent.tries, 1);
}

TEST_P(OutboxContract, SaysWhenItCannotBeWritten) {
  if (!in_file()) return;
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  EXPECT_EQ(run(outbox_.put(mail(1))).error().code, Code::unavailable);
}

MARKET_ON_EACH_DATABASE(OutboxContract);

}  // namespace
}  // namespace market::contract
