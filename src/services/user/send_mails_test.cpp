#include "services/user/send_mails.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>

#include "tests/support/run_task.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::user {
namespace {

/// The outbox's rules in memory; the adapter's own are tested by tests/contract.
struct MemoryOutbox final : Outbox {
  Task<> put(OutboxMail mail) override {
    if (throws-- > 0) throw std::runtime_error("asked for");
    if (full) co_return fail(Code::overloaded, "no room");
    all.emplace(mail.id.value, std::move(mail));
    co_return Result<>();
  }
  Task<> put_for(std::vector<OutboxMail>, FollowedTo) override { co_return Result<>(); }
  Task<std::optional<FollowedTo>> followed_to() override { co_return std::optional<FollowedTo>(); }
  Task<> forget_place() override { co_return Result<>(); }
  Task<std::vector<OutboxMail>> due(Instant now, int limit) override {
    if (throws-- > 0) throw std::runtime_error("asked for");
    std::vector<OutboxMail> found;
    for (const auto& [id, mail] : all)
      if (mail.state == MailState::waiting && mail.next_at <= now && static_cast<int>(found.size()) < limit)
        found.push_back(mail);
    co_return found;
  }
  Task<std::optional<Instant>> next_due() override {
    std::optional<Instant> next;
    for (const auto& [id, mail] : all)
      if (mail.state == MailState::waiting && (!next || mail.next_at < *next)) next = mail.next_at;
    co_return next;
  }
  Task<> mark_sent(MailId id, Instant now, bool) override {
    all.at(id.value).state = MailState::sent;
    all.at(id.value).sent_at = now;
    co_return Result<>();
  }
  Task<bool> mark_failed(MailId id, int tries, std::optional<Instant> next_at, std::string reason) override {
    OutboxMail& mail = all.at(id.value);
    if (mail.state != MailState::waiting || mail.tries != tries) co_return false;
    mail.state = next_at ? MailState::waiting : MailState::failed;
    if (next_at) mail.next_at = *next_at;
    mail.reason = std::move(reason);
    ++mail.tries;
    co_return true;
  }
  Task<std::vector<OutboxMail>> list(std::optional<MailState>, MailId, int) override {
    co_return std::vector<OutboxMail>();
  }
  Task<OutboxMail> retry(MailId, Instant) override { co_return fail(Code::not_found, "none"); }
  Task<std::int64_t> waiting() override { co_return static_cast<std::int64_t>(all.size()); }
  std::map<std::int64_t, OutboxMail> all;
  bool full = false;
  int throws = 0;
};

struct ScriptedTransport final : MailTransport {
  MailAnswer deliver(const MailToSend& mail) override {
    tried.push_back(mail.to + ' ' + mail.message_id);
    if (meanwhile) meanwhile();
    if (answers.empty()) return {};
    const MailAnswer next = answers.front();
    answers.erase(answers.begin());
    return next;
  }
  void stop() override { stopped = true; }
  std::function<void()> meanwhile;  ///< What others do while a mail is on its way.
  std::vector<MailAnswer> answers;
  std::vector<std::string> tried;
  bool stopped = false;
};

class SendMailsTest : public testing::Test {
 protected:
  explicit SendMailsTest(MailLimits limits = {.unwritten_max = 3, .pause = Millis(1), .pause_max = Millis(2)})
      : mails_(
            outbox_, &transport_, ids_, random_, clock_, io_.get_executor(), false,
            [this](const std::string& line) { warnings_.push_back(line); }, limits) {}
  ~SendMailsTest() override {
    std::thread runs([this] { io_.run_for(Millis(500)); });
    EXPECT_TRUE(mails_.stop());
    runs.join();
    EXPECT_TRUE(transport_.stopped);
  }
  static Mail mail(const std::string& to = "kim@example.kr") {
    Mail each;
    each.kind = "verification";
    each.to = to;
    return each;
  }
  /// Until `done`, or for some seconds.
  bool work(const std::function<bool()>& done) {
    for (int i = 0; i < 2'000 && !done(); ++i) {
      io_.restart();
      io_.run_for(Millis(2));
    }
    return done();
  }
  const OutboxMail& only() { return outbox_.all.begin()->second; }

  asio::io_context io_{1};
  tests::MovedClock clock_;
  IdSource ids_{clock_};
  tests::CountingRandom random_;
  MemoryOutbox outbox_;
  ScriptedTransport transport_;
  std::vector<std::string> warnings_;
  SendMails mails_;
};

TEST_F(SendMailsTest, SendsWhatIsAskedForAndTellsNobodyOfIt) {
  mails_.start();
  ASSERT_TRUE(mails_.send(mail()));
  EXPECT_TRUE(work([&] { return !outbox_.all.empty() && only().state == MailState::sent; }));
  EXPECT_EQ(mails_.counters().sent.load(), 1u);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(SendMailsTest, GoesOnBehindALookThatThrows) {
  outbox_.throws = 1;
  mails_.start();
  work([&] { return outbox_.throws <= 0; });
  ASSERT_TRUE(mails_.send(mail()));
  EXPECT_TRUE(work([&] { return !outbox_.all.empty() && only().state == MailState::sent; }));
}

TEST_F(SendMailsTest, OneThatCannotBeKeptMakesRoom) {
  outbox_.throws = 1'000;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mails_.send(mail()));
  EXPECT_TRUE(work([&] { return mails_.counters().lost.load() == 3; }));
  outbox_.throws = 0;
  EXPECT_TRUE(mails_.send(mail()));
  EXPECT_TRUE(work([&] { return outbox_.all.size() == 1; }));
}

TEST_F(SendMailsTest, AServerThatIsAwayCostsNoTriesAndIsNotedOnce) {
  transport_.answers.assign(5, {MailOutcome::unreachable, "nobody there"});
  mails_.start();
  ASSERT_TRUE(mails_.send(mail()));
  EXPECT_TRUE(work([&] { return !outbox_.all.empty() && only().state == MailState::sent; }));
  EXPECT_EQ(only().tries, 0);
  EXPECT_EQ(transport_.tried.size(), 6u);
  EXPECT_EQ(warnings_,
            (std::vector<std::string>{"mails cannot be sent for now: nobody there", "mails are sent again"}));
}

TEST_F(SendMailsTest, ARefusedMailIsTriedThriceAndItsRepeatsAreKnown) {
  transport_.answers.assign(9, {MailOutcome::refused, "550 <kim@example.kr> is unknown; ask kim@example.kr"});
  mails_.start();
  ASSERT_TRUE(mails_.send(mail()));
  EXPECT_TRUE(work([&] {
    clock_.time += std::chrono::hours(2);
    mails_.poke();
    return !outbox_.all.empty() && only().state == MailState::failed;
  }));
  EXPECT_EQ(only().tries, 3);
  EXPECT_EQ(only().reason.find('@'), std::string::npos) << only().reason;
  EXPECT_EQ(transport_.tried[0], transport_.tried[2]) << "the same Message-ID";
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_.front().find("kim"), std::string::npos);
}

TEST_F(SendMailsTest, OneThatIsNotTakenWaitsLongerEachTimeAndFailsInTheEnd) {
  transport_.answers.assign(1'000, {MailOutcome::again, "451"});
  mails_.start();
  ASSERT_TRUE(mails_.send(mail()));
  std::vector<Millis> waits;
  EXPECT_TRUE(work([&] {
    if (outbox_.all.empty()) return false;
    if (only().tries > static_cast<int>(waits.size())) {
      waits.push_back(only().next_at - clock_.time);
      clock_.time = only().next_at;
      mails_.poke();
    }
    return only().state == MailState::failed;
  }));
  ASSERT_GE(waits.size(), 12u);
  EXPECT_LE(waits[0], Millis(5'000));
  EXPECT_GT(waits[4], waits[0]);
  for (const Millis wait : waits) EXPECT_LE(wait, Millis(3'600'000));
  EXPECT_GE(clock_.time - only().created_at, Millis(72 * 3'600'000));
}

TEST_F(SendMailsTest, WhatIsOnItsWayIsBounded) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mails_.send(mail()));
  EXPECT_EQ(mails_.send(mail()).error().code, Code::overloaded);
  EXPECT_TRUE(work([&] { return outbox_.all.size() == 3; }));
  outbox_.full = true;
  EXPECT_TRUE(mails_.send(mail())) << "who asks learns nothing";
  EXPECT_TRUE(work([&] { return mails_.counters().lost.load() == 2; }));
}

class MailsOfSeveralInstances : public SendMailsTest {
 protected:
  MailsOfSeveralInstances()
      : SendMailsTest(MailLimits{.pause = Millis(1), .may_send = [this] { return may_send_.load(); }}) {
    for (std::int64_t id = 1; id <= 3; ++id) {
      OutboxMail each;
      each.id = MailId{id};
      each.mail = mail();
      each.created_at = each.next_at = clock_.time;
      outbox_.all.emplace(id, std::move(each));
    }
  }
  std::atomic<bool> may_send_{true};
};

TEST_F(MailsOfSeveralInstances, WhoHasLostItsTurnSendsNoOtherMail) {
  transport_.meanwhile = [this] { may_send_ = false; };
  mails_.start();
  EXPECT_TRUE(work([&] { return mails_.counters().sent.load() == 1; }));
  work([&] { return transport_.tried.size() > 1; });
  EXPECT_EQ(transport_.tried.size(), 1u);
}

TEST_F(MailsOfSeveralInstances, ALateFailureChangesNothingOfWhatAnotherHasSent) {
  transport_.answers = {{MailOutcome::again, "451"}};
  transport_.meanwhile = [this] {
    may_send_ = false;
    for (auto& [id, each] : outbox_.all) each.state = MailState::sent;
  };
  mails_.start();
  EXPECT_TRUE(work([&] { return !transport_.tried.empty(); }));
  work([] { return false; });
  EXPECT_EQ(only().state, MailState::sent);
  EXPECT_EQ(only().tries, 0);
  EXPECT_EQ(mails_.counters().retried.load(), 0u);
}

}  // namespace
}  // namespace market::user
