#include "services/order/mail_buyers.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::order {
namespace {

using tests::run;

/// What followers keep of it: the place.
class PlaceOutbox final : public Outbox {
 public:
  Task<> put(OutboxMail) override { co_return Result<>(); }
  Task<> put_for(std::vector<OutboxMail> mails, FollowedTo to) override {
    for (OutboxMail& mail : mails) put_mails.push_back(std::move(mail));
    at = to;
    co_return Result<>();
  }
  Task<std::optional<FollowedTo>> followed_to() override { co_return at; }
  Task<> forget_place() override { co_return Result<>(); }
  Task<std::vector<OutboxMail>> due(Instant, int) override { co_return std::vector<OutboxMail>(); }
  Task<std::optional<Instant>> next_due() override { co_return std::optional<Instant>(); }
  Task<> mark_sent(MailId, Instant, bool) override { co_return Result<>(); }
  Task<bool> mark_failed(MailId, int, std::optional<Instant>, std::string) override { co_return true; }
  Task<std::vector<OutboxMail>> list(std::optional<MailState>, MailId, int) override {
    co_return std::vector<OutboxMail>();
  }
  Task<OutboxMail> retry(MailId, Instant) override { co_return fail(Code::not_found, "none"); }
  Task<std::int64_t> waiting() override { co_return 0; }

  std::vector<OutboxMail> put_mails;
  std::optional<FollowedTo> at;
};

/// One account's row was changed past the market.
class DamagedAccounts final : public tests::MemoryAccounts {
 public:
  Task<Account> find(UserId id) override {
    if (id == damaged) co_return fail(Code::internal, "account 8 was changed outside of the market");
    Account account;
    account.id = id;
    account.email = "kim@example.kr";
    co_return account;
  }
  UserId damaged;
};

FollowedTo to(Place place) {
  FollowedTo at;
  at.last = at.done = place;
  return at;
}

TEST(MailBuyers, GoOnWhereTheOtherInstanceWasAfterARest) {
  tests::MovedClock clock;
  tests::BoardGate orders(clock);
  tests::MemoryAccounts accounts;
  IdSource ids(clock);
  PlaceOutbox outbox;
  MailBuyers mails(outbox, accounts, orders, orders.board, ids, clock, [] {});
  ASSERT_TRUE(run(mails.take(0, {}, to(5))));
  outbox.at = to(40);  // Of another instance that wrote meanwhile.
  EXPECT_EQ(run(mails.followers())->front().at, to(5));
  mails.rest();
  EXPECT_EQ(run(mails.followers())->front().at, to(40)) << "nobody is mailed again";
}

TEST(MailBuyers, ADamagedAccountStopsNobodyElsesMails) {
  tests::MovedClock clock;
  tests::BoardGate orders(clock);
  DamagedAccounts accounts;
  accounts.damaged = UserId{8};
  IdSource ids(clock);
  PlaceOutbox outbox;
  MailBuyers mails(outbox, accounts, orders, orders.board, ids, clock, [] {});
  ProductTerms terms;
  terms.price.amount = 500;
  const auto product = orders.decided(Command(ListProduct{terms, ProductTexts{}, 9}))->product();
  std::vector<CountedEvent> events;
  for (const UserId buyer : {UserId{8}, UserId{7}}) {
    PlaceOrder wanted{buyer, Millis(60'000), {}};
    wanted.lines.push_back(WantedLine{product, 1});
    events.push_back(*orders.decided(Command(std::move(wanted)))->event);
  }
  ASSERT_TRUE(run(mails.take(0, std::move(events), to(5))));
  ASSERT_EQ(outbox.put_mails.size(), 1u);
  EXPECT_EQ(outbox.put_mails.front().mail.user, UserId{7});
  EXPECT_EQ(outbox.at, to(5)) << "it is not read again";
}

}  // namespace
}  // namespace market::order
