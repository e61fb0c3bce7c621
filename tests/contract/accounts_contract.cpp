/// ports/accounts.hpp: what every adapter must keep.
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "adapters/crypto/field_cipher.hpp"
#include "adapters/sqlite/accounts.hpp"
#include "adapters/sqlite/main_database.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {
namespace {

Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(1'790'000'000 + seconds));
}

struct TestClock final : Clock {
  Instant now() const override { return time; }
  Instant time = at(0);
};

Account account_of(std::int64_t id, std::string email) {
  Account account;
  account.id = UserId{id};
  account.email = std::move(email);
  account.name = "김철수";
  account.phone = "010-1234-5678";
  account.password_hash = "$argon2id$v=19$...";
  account.created_at = at(0);
  return account;
}

Session session_of(std::int64_t id, std::int64_t user, std::string hash) {
  return Session{SessionId{id}, UserId{user}, std::move(hash), "Firefox", at(0), at(0), at(1000)};
}

class AccountsContract : public testing::Test {
 protected:
  ~AccountsContract() override { pool_.stop(); }
  Code code_of_rotation(std::string old_hash, std::string new_hash, Instant now = at(1)) {
    const auto rotated = run(accounts_.rotate_session(std::move(old_hash), std::move(new_hash), now));
    return rotated ? Code::internal : rotated.error().code;
  }
  std::vector<SessionId> live(std::int64_t user, Instant now = at(1)) {
    std::vector<SessionId> ids;
    const auto found = run(accounts_.sessions(UserId{user}, now));
    for (const auto& session : *found) ids.push_back(session.id);
    return ids;
  }

  TemporaryFolder folder_;
  TestClock clock_;
  BlockingPool pool_{2, 100};
  crypto::SodiumFieldCipher cipher_{{crypto::FieldKey{"k1", {1, 2, 3}}}, crypto::FieldSecret{4, 5, 6}};
  sqlite::MainDatabase database_{folder_.file("main.db"), pool_, 2};
  sqlite::SqliteAccounts accounts_{database_, cipher_, clock_};
};

TEST_F(AccountsContract, AreNotWrittenWhenTheirFileIsGone) {
  ASSERT_TRUE(run(accounts_.create(account_of(1, "kim@example.kr"))));
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  const auto refused = run(accounts_.create(account_of(2, "lee@example.kr")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  std::filesystem::rename(folder_.file("away"), folder_.file("main.db"));
  EXPECT_EQ(run(accounts_.find(UserId{2})).error().code, Code::not_found);
  EXPECT_TRUE(run(accounts_.create(account_of(2, "lee@example.kr"))));
}

TEST_F(AccountsContract, FindsAnAccountByIdAndByEmailWithoutCase) {
  auto account = account_of(1, "Kim@Example.kr");
  account.role = Role::seller;
  account.email_verified = true;
  ASSERT_TRUE(run(accounts_.create(account)));
  const auto found = run(accounts_.find_by_email("kIM@example.KR"));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->id, account.id);
  EXPECT_EQ(found->email, "Kim@Example.kr");
  EXPECT_EQ(found->name, account.name);
  EXPECT_EQ(found->phone, account.phone);
  EXPECT_EQ(found->address, std::nullopt);
  EXPECT_EQ(found->role, Role::seller);
  EXPECT_TRUE(found->email_verified);
  EXPECT_EQ(found->password_hash, account.password_hash);
  EXPECT_EQ(found->created_at, account.created_at);
  EXPECT_EQ(run(accounts_.find(UserId{1}))->email, "Kim@Example.kr");
  EXPECT_EQ(run(accounts_.find(UserId{2})).error().code, Code::not_found);
  EXPECT_EQ(run(accounts_.find_by_email("other@example.kr")).error().code, Code::not_found);
}

TEST_F(AccountsContract, AnEmailBelongsToOneAccount) {
  ASSERT_TRUE(run(accounts_.create(account_of(1, "a@b.kr"))));
  EXPECT_EQ(run(accounts_.create(account_of(2, "A@B.kr"))).error().code, Code::email_taken);
  EXPECT_TRUE(run(accounts_.create(account_of(3, "c@b.kr"))));
}

TEST_F(AccountsContract, ChangesOnlyWhatWasSent) {
  ASSERT_TRUE(run(accounts_.create(account_of(1, "a@b.kr"))));
  AccountPatch patch;
  patch.address = std::optional<std::string>("서울시");
  auto changed = run(accounts_.update(UserId{1}, patch));
  EXPECT_EQ(changed->address, "서울시");
  EXPECT_EQ(changed->phone, "010-1234-5678");
  patch.address.reset();
  patch.phone = std::optional<std::string>();
  patch.name = "이영희";
  changed = run(accounts_.update(UserId{1}, patch));
  EXPECT_EQ(changed->address, "서울시");
  EXPECT_EQ(changed->phone, std::nullopt);
  EXPECT_EQ(changed->name, "이영희");
  EXPECT_EQ(run(accounts_.update(UserId{2}, patch)).error().code, Code::not_found);
  ASSERT_TRUE(run(accounts_.set_password_hash(UserId{1}, "new")));
  ASSERT_TRUE(run(accounts_.set_email_verified(UserId{1})));
  EXPECT_EQ(run(accounts_.find(UserId{1}))->password_hash, "new");
  EXPECT_TRUE(run(accounts_.find(UserId{1}))->email_verified);
  EXPECT_EQ(run(accounts_.set_password_hash(UserId{2}, "new")).error().code, Code::not_found);
}

TEST_F(AccountsContract, TheFileShowsNoPersonalData) {
  ASSERT_TRUE(run(accounts_.create(account_of(1, "visible@example.kr"))));
  std::string bytes;
  for (const auto* name : {"main.db", "main.db-wal"}) {
    std::ifstream file(folder_.file(name), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_NE(bytes.find("argon2id"), std::string::npos);  // The bytes are those of the row.
  for (const auto* secret : {"visible@example.kr", "김철수", "010-1234-5678"})
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
}

TEST_F(AccountsContract, AVerificationCodeWorksOnceInItsTimeAndFiveTries) {
  const auto attempt = [&](std::string code, Instant now) {
    return run(accounts_.try_verification(UserId{1}, code, now));
  };
  EXPECT_EQ(attempt("x", at(0)).error().code, Code::not_found);
  ASSERT_TRUE(run(accounts_.store_verification(UserId{1}, "old", at(10))));
  ASSERT_TRUE(run(accounts_.store_verification(UserId{1}, "code", at(10))));
  EXPECT_FALSE(*attempt("old", at(1)));
  EXPECT_FALSE(*attempt("code", at(10)));
  EXPECT_TRUE(*attempt("code", at(9)));
  EXPECT_EQ(attempt("code", at(9)).error().code, Code::not_found);

  ASSERT_TRUE(run(accounts_.store_verification(UserId{1}, "code", at(10))));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(*attempt("wrong", at(1)));
  EXPECT_EQ(attempt("code", at(1)).error().code, Code::rate_limited);
  ASSERT_TRUE(run(accounts_.store_verification(UserId{1}, "fresh", at(10))));
  EXPECT_TRUE(*attempt("fresh", at(1)));
}

TEST_F(AccountsContract, ARefreshTokenWorksOnce) {
  const std::string raw("\0\xff\x01", 3);
  ASSERT_TRUE(run(accounts_.create_session(session_of(5, 1, raw))));
  const auto rotated = run(accounts_.rotate_session(raw, "second", at(7)));
  ASSERT_TRUE(rotated) << rotated.error().detail;
  EXPECT_EQ(rotated->id, SessionId{5});
  EXPECT_EQ(rotated->user, UserId{1});
  EXPECT_EQ(rotated->refresh_hash, "second");
  EXPECT_EQ(rotated->used_at, at(7));
  EXPECT_EQ(rotated->ends_at, at(1000));
  EXPECT_TRUE(run(accounts_.rotate_session("second", "third", at(8))));
  EXPECT_EQ(code_of_rotation("never given", "x"), Code::session_revoked);
  EXPECT_EQ(live(1), std::vector{SessionId{5}});
  EXPECT_EQ(code_of_rotation("third", "x", at(1000)), Code::session_revoked);  // Past its end.
}

TEST_F(AccountsContract, AStolenTokenEndsItsSession) {
  ASSERT_TRUE(run(accounts_.create_session(session_of(5, 1, "first"))));
  ASSERT_TRUE(run(accounts_.create_session(session_of(6, 1, "other"))));
  ASSERT_TRUE(run(accounts_.rotate_session("first", "second", at(1))));
  EXPECT_EQ(code_of_rotation("first", "third", at(2)), Code::session_revoked);
  EXPECT_EQ(code_of_rotation("second", "third", at(3)), Code::session_revoked);
  EXPECT_EQ(live(1, at(3)), std::vector{SessionId{6}});
  EXPECT_EQ(*run(accounts_.ended_since(at(2))), std::vector{SessionId{5}});
  EXPECT_TRUE(run(accounts_.ended_since(at(3)))->empty());
}

TEST_F(AccountsContract, OfTwoWhoUseOneTokenAtOnceOneFails) {
  ASSERT_TRUE(run(accounts_.create_session(session_of(5, 1, "first"))));
  std::atomic<int> worked{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, fresh = "next" + std::to_string(i)] {
      if (run(accounts_.rotate_session("first", fresh, at(1)))) ++worked;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(worked, 1);
  EXPECT_TRUE(live(1).empty());  // The others looked like a thief.
}

TEST_F(AccountsContract, EndsOneOrAllOrAllOtherSessionsOfItsUser) {
  for (int id = 1; id <= 4; ++id)
    ASSERT_TRUE(run(accounts_.create_session(session_of(id, id == 4 ? 2 : 1, "hash" + std::to_string(id)))));
  clock_.time = at(5);
  EXPECT_TRUE(run(accounts_.end_sessions(UserId{1}, SessionId{4}, {}))->empty());  // Another user's.
  EXPECT_EQ(*run(accounts_.end_sessions(UserId{1}, SessionId{2}, {})), std::vector{SessionId{2}});
  EXPECT_TRUE(run(accounts_.end_sessions(UserId{1}, SessionId{2}, {}))->empty());
  EXPECT_EQ(*run(accounts_.end_sessions(UserId{1}, {}, SessionId{1})), std::vector{SessionId{3}});
  EXPECT_EQ(live(1), std::vector{SessionId{1}});
  EXPECT_EQ(*run(accounts_.end_sessions(UserId{1}, {}, {})), std::vector{SessionId{1}});
  EXPECT_EQ(live(2), std::vector{SessionId{4}});
  EXPECT_EQ(run(accounts_.ended_since(at(5)))->size(), 3u);
  EXPECT_TRUE(run(accounts_.ended_since(at(6)))->empty());
}

}  // namespace
}  // namespace market::contract
