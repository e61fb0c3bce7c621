/// ports/accounts.hpp: what every adapter must keep.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "adapters/sql/accounts.hpp"
#include "tests/contract/main_database_contract.hpp"

namespace market::contract {
namespace {

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

Account admin_of(std::int64_t id) {
  Account account = account_of(id, "admin" + std::to_string(id) + "@b.kr");
  account.role = Role::admin;
  return account;
}

Session session_of(std::int64_t id, std::int64_t user, std::string hash) {
  return Session{SessionId{id}, UserId{user}, std::move(hash), "Firefox", at(0), at(0), at(1000)};
}

class AccountsContract : public MainDatabaseContract {
 protected:
  Result<> create(Account account) { return run(accounts_.create(std::move(account), std::nullopt)); }
  /// The session is stored; answers those that ended for it.
  std::vector<SessionId> open(Session session) {
    const auto ended = run(accounts_.create_session(std::move(session)));
    EXPECT_TRUE(ended) << ended.error().detail;
    return ended ? *ended : std::vector<SessionId>();
  }
  Rotation rotate(std::string old_hash, std::string new_hash, Instant now = at(1)) {
    auto rotation = run(accounts_.rotate_session(std::move(old_hash), std::move(new_hash), now));
    EXPECT_TRUE(rotation) << rotation.error().detail;
    return rotation ? std::move(*rotation) : Rotation{};
  }
  std::vector<SessionId> live(std::int64_t user, Instant now = at(1)) {
    std::vector<SessionId> ids;
    const auto found = run(accounts_.sessions(UserId{user}, now, SessionId{}, 1'000));
    for (const auto& session : *found) ids.push_back(session.id);
    return ids;
  }

  TestClock clock_{at(0)};
  sql::SqlAccounts accounts_{database_, cipher_, clock_};
};

TEST_P(AccountsContract, AreNotWrittenWhenTheirFileIsGone) {
  if (!in_file()) return;
  ASSERT_TRUE(create(account_of(1, "kim@example.kr")));
  std::filesystem::rename(folder_.file("main.db"), folder_.file("away"));
  const auto refused = create(account_of(2, "lee@example.kr"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  std::filesystem::rename(folder_.file("away"), folder_.file("main.db"));
  EXPECT_EQ(run(accounts_.find(UserId{2})).error().code, Code::not_found);
  EXPECT_TRUE(create(account_of(2, "lee@example.kr")));
}

TEST_P(AccountsContract, FindsAnAccountByIdAndByEmailWithoutCase) {
  auto account = account_of(1, "Kim@Example.kr");
  account.role = Role::seller;
  account.email_verified = true;
  ASSERT_TRUE(create(account));
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

TEST_P(AccountsContract, AnEmailBelongsToOneAccount) {
  ASSERT_TRUE(create(account_of(1, "a@b.kr")));
  EXPECT_EQ(create(account_of(2, "A@B.kr")).error().code, Code::email_taken);
  EXPECT_TRUE(create(account_of(3, "c@b.kr")));
}

TEST_P(AccountsContract, ChangesOnlyWhatWasSent) {
  ASSERT_TRUE(create(account_of(1, "a@b.kr")));
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
}

TEST_P(AccountsContract, TheFileShowsNoPersonalData) {
  if (!in_file()) return;
  ASSERT_TRUE(create(account_of(1, "visible@example.kr")));
  std::string bytes;
  for (const auto* name : {"main.db", "main.db-wal"}) {
    std::ifstream file(folder_.file(name), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_NE(bytes.find("argon2id"), std::string::npos);  // The bytes are those of the row.
  for (const auto* secret : {"visible@example.kr", "김철수", "010-1234-5678"})
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
}

TEST_P(AccountsContract, ARoleIsChangedAndItsChangeIsKnownToAStart) {
  ASSERT_TRUE(create(account_of(1, "a@b.kr")));
  ASSERT_TRUE(create(account_of(2, "c@b.kr")));
  ASSERT_TRUE(create(admin_of(4)));
  EXPECT_EQ(run(accounts_.set_role(UserId{4}, UserId{1}, Role::seller, at(5)))->role, Role::seller);
  EXPECT_EQ(run(accounts_.find(UserId{1}))->role, Role::seller);
  EXPECT_EQ(run(accounts_.set_role(UserId{4}, UserId{2}, Role::customer, at(5)))->role, Role::customer)
      << "no change";
  EXPECT_EQ(run(accounts_.set_role(UserId{4}, UserId{3}, Role::seller, at(5))).error().code, Code::not_found);
  const auto changed = run(accounts_.roles_changed_since(at(5)));
  ASSERT_TRUE(changed);
  ASSERT_EQ(changed->size(), 1u);
  EXPECT_EQ(changed->front().user, UserId{1});
  EXPECT_EQ(changed->front().role, Role::seller);
  EXPECT_EQ(changed->front().changed_at, at(5));
  EXPECT_TRUE(run(accounts_.roles_changed_since(at(6)))->empty());
}

TEST_P(AccountsContract, AChangeOfARoleIsLaterThanTheOneBeforeWhateverTheClocksSay) {
  ASSERT_TRUE(create(account_of(1, "a@b.kr")));
  ASSERT_TRUE(create(admin_of(4)));
  EXPECT_EQ(run(accounts_.find(UserId{1}))->role_changed_at, Instant()) << "it has always had this one";
  const auto change = [&](Role role, Instant now) {
    return run(accounts_.set_role(UserId{4}, UserId{1}, role, now))->role_changed_at;
  };
  EXPECT_EQ(change(Role::seller, at(5)), at(5));
  EXPECT_EQ(change(Role::seller, at(7)), at(5)) << "no change";
  EXPECT_EQ(change(Role::customer, at(3)), at(5) + Millis(1));
  EXPECT_EQ(change(Role::seller, at(6)), at(6));
  EXPECT_EQ(run(accounts_.find_by_email("a@b.kr"))->role_changed_at, at(6));
  EXPECT_EQ(run(accounts_.roles_changed_since(at(6)))->front().changed_at, at(6));
}

TEST_P(AccountsContract, WhoeverHasLostTheRoleGivesNoneAway) {
  for (const std::int64_t id : {4, 5}) ASSERT_TRUE(create(admin_of(id)));
  ASSERT_TRUE(create(account_of(1, "a@b.kr")));
  ASSERT_TRUE(run(accounts_.set_role(UserId{4}, UserId{5}, Role::customer, at(5))));
  for (const std::int64_t asks : {1, 5, 9})
    EXPECT_EQ(run(accounts_.set_role(UserId{asks}, UserId{4}, Role::customer, at(5))).error().code,
              Code::forbidden);
  EXPECT_EQ(run(accounts_.find(UserId{4}))->role, Role::admin);
}

TEST_P(AccountsContract, AVerificationCodeWorksOnceInItsTimeAndFiveTries) {
  const auto attempt = [&](std::string code, Instant now) {
    return run(accounts_.verify_email("KIM@b.kr", std::move(code), now));
  };
  const auto store = [&](std::string code) {
    const VerificationCode wanted{std::move(code), at(10)};
    return run(accounts_.store_verification("kim@B.kr", wanted, at(0)));
  };
  const VerificationCode first{"first", at(10)};
  ASSERT_TRUE(run(accounts_.create(account_of(1, "kim@b.kr"), first)));
  ASSERT_TRUE(store("code"));
  EXPECT_FALSE(*attempt("first", at(1))) << "a newer one replaces it";
  EXPECT_FALSE(run(accounts_.find(UserId{1}))->email_verified);
  EXPECT_TRUE(*attempt("code", at(9)));
  EXPECT_TRUE(run(accounts_.find(UserId{1}))->email_verified);
  EXPECT_FALSE(*attempt("code", at(9))) << "once";
  ASSERT_TRUE(store("late"));
  EXPECT_FALSE(*attempt("late", at(10)));

  ASSERT_TRUE(store("code"));
  for (int i = 0; i < verification_tries_max; ++i) EXPECT_FALSE(*attempt("wrong", at(1)));
  EXPECT_EQ(attempt("code", at(1)).error().code, Code::rate_limited);
  EXPECT_EQ(attempt("code", at(1)).error().code, Code::rate_limited);
  ASSERT_TRUE(store("fresh"));
  EXPECT_TRUE(*attempt("fresh", at(1)));
}

TEST_P(AccountsContract, AnAddressWithoutAnAccountCountsItsTriesAlike) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  for (const std::string email : {"kim@b.kr", "nobody@b.kr"}) {
    const auto attempt = [&](Instant now) { return run(accounts_.verify_email(email, "x", now)); };
    for (int i = 0; i < verification_tries_max; ++i) EXPECT_FALSE(*attempt(at(0))) << email;
    EXPECT_EQ(attempt(at(1)).error().code, Code::rate_limited) << email;
    const VerificationCode code{"code", at(100)};
    ASSERT_TRUE(run(accounts_.store_verification(email, code, at(1))));
    EXPECT_FALSE(*attempt(at(2))) << email;
    EXPECT_FALSE(*attempt(at(100))) << email;
  }
  const VerificationCode code{"code", at(500)};
  ASSERT_TRUE(run(accounts_.store_verification("nobody@b.kr", code, at(200))));
  EXPECT_FALSE(*run(accounts_.verify_email("nobody@b.kr", "code", at(201)))) << "there is nobody to verify";
}

TEST_P(AccountsContract, ARefreshTokenIsReplaced) {
  const std::string raw("\0\xff\x01", 3);
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  open(session_of(5, 1, raw));
  const auto rotated = rotate(raw, "second", at(7));
  ASSERT_TRUE(rotated.session);
  EXPECT_EQ(rotated.session->id, SessionId{5});
  EXPECT_EQ(rotated.session->user, UserId{1});
  EXPECT_EQ(rotated.session->refresh_hash, "second");
  EXPECT_EQ(rotated.session->used_at, at(7));
  EXPECT_EQ(rotated.session->ends_at, at(1000));
  EXPECT_EQ(rotated.account.email, "kim@b.kr") << "in the same call: nothing can come between";
  EXPECT_TRUE(rotate("second", "third", at(8)).session);
  const auto unknown = rotate("never given", "x");
  EXPECT_FALSE(unknown.session);
  EXPECT_FALSE(unknown.ended);
  EXPECT_EQ(live(1), std::vector{SessionId{5}});
  EXPECT_FALSE(rotate("third", "x", at(1000)).session) << "past its end";
}

TEST_P(AccountsContract, AReplacedTokenGivesTheSameSuccessorForTenSeconds) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  open(session_of(5, 1, "first"));
  ASSERT_TRUE(rotate("first", "second", at(1)).session);
  EXPECT_EQ(rotate("first", "second", at(0)).session->refresh_hash, "second") << "it read the clock before";
  ASSERT_TRUE(rotate("second", "third", at(5)).session);
  const auto again = rotate("first", "second", at(10));
  ASSERT_TRUE(again.session) << "a slow tab, whose successor was used meanwhile";
  EXPECT_EQ(again.session->refresh_hash, "third");
  EXPECT_EQ(again.session->used_at, at(5)) << "nothing changes";
  EXPECT_FALSE(rotate("first", "second", at(11)).session);
  EXPECT_TRUE(live(1, at(11)).empty());
}

TEST_P(AccountsContract, AnotherSuccessorThanTheOneThatWasGivenIsAReuse) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  open(session_of(5, 1, "first"));
  ASSERT_TRUE(rotate("first", "second", at(1)).session);
  EXPECT_EQ(rotate("first", "forged", at(2)).ended, SessionId{5});
}

TEST_P(AccountsContract, AStolenTokenEndsItsSession) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  open(session_of(5, 1, "first"));
  open(session_of(6, 1, "other"));
  ASSERT_TRUE(rotate("first", "second", at(1)).session);
  const auto reuse = rotate("first", "second", at(12));
  EXPECT_FALSE(reuse.session);
  EXPECT_EQ(reuse.ended, SessionId{5});
  const auto after = rotate("second", "third", at(13));
  EXPECT_FALSE(after.session);
  EXPECT_FALSE(after.ended) << "once";
  EXPECT_EQ(live(1, at(13)), std::vector{SessionId{6}});
  EXPECT_EQ(*run(accounts_.ended_since(at(12))), std::vector{SessionId{5}});
  EXPECT_TRUE(run(accounts_.ended_since(at(13)))->empty());
}

TEST_P(AccountsContract, AllWhoUseOneTokenAtOnceGetItsSuccessor) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  open(session_of(5, 1, "first"));
  std::atomic<int> worked{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const auto rotated = run(accounts_.rotate_session("first", "second", at(1)));
      if (rotated && rotated->session && rotated->session->refresh_hash == "second") ++worked;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(worked, 4);
  EXPECT_EQ(live(1), std::vector{SessionId{5}});
}

TEST_P(AccountsContract, APasswordChangeEndsEverythingThatTheOldOneOpened) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  for (int id = 1; id <= 3; ++id) open(session_of(id, 1, "hash" + std::to_string(id)));
  clock_.time = at(5);
  PasswordChange change{0, "new", SessionId{2}};
  EXPECT_EQ(*run(accounts_.change_password(UserId{1}, change)), (std::vector{SessionId{1}, SessionId{3}}));
  EXPECT_EQ(run(accounts_.find(UserId{1}))->password_hash, "new");
  EXPECT_EQ(run(accounts_.find(UserId{1}))->password_generation, 1);
  EXPECT_EQ(live(1, at(5)), std::vector{SessionId{2}});
  EXPECT_TRUE(rotate("hash2", "next", at(6)).session) << "the one that changed it goes on";
  EXPECT_EQ(run(accounts_.ended_since(at(5)))->size(), 2u);

  EXPECT_EQ(run(accounts_.create_session(session_of(9, 1, "late"))).error().code, Code::invalid_credentials)
      << "a sign-in that verified the old password";
  EXPECT_EQ(run(accounts_.change_password(UserId{1}, change)).error().code, Code::invalid_credentials);
  ASSERT_TRUE(run(accounts_.rehash_password(UserId{1}, 0, "old again")));
  EXPECT_EQ(run(accounts_.find(UserId{1}))->password_hash, "new");
  ASSERT_TRUE(run(accounts_.rehash_password(UserId{1}, 1, "new, dearer")));
  EXPECT_EQ(run(accounts_.find(UserId{1}))->password_hash, "new, dearer");
  EXPECT_EQ(run(accounts_.change_password(UserId{2}, change)).error().code, Code::not_found);
  EXPECT_EQ(run(accounts_.create_session(session_of(9, 2, "x"))).error().code, Code::invalid_credentials);
}

TEST_P(AccountsContract, SessionsOfAnAccountAreBoundedAndListedInPages) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  ASSERT_TRUE(create(account_of(2, "lee@b.kr")));
  open(session_of(9'999, 2, "another's"));
  for (int id = 1; id <= sessions_per_account_max; ++id)
    EXPECT_TRUE(open(session_of(id, 1, "hash" + std::to_string(id))).empty());
  ASSERT_TRUE(rotate("hash1", "used", at(2)).session);
  EXPECT_EQ(open(session_of(1'000, 1, "one more")), std::vector{SessionId{2}}) << "used longest ago";
  EXPECT_EQ(live(1).size(), static_cast<std::size_t>(sessions_per_account_max));
  EXPECT_EQ(live(2).size(), 1u);
  const auto page = run(accounts_.sessions(UserId{1}, at(1), SessionId{}, 2));
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ(page->at(0).id, SessionId{1'000}) << "newest first";
  EXPECT_EQ(page->at(1).id, SessionId{sessions_per_account_max});
  const auto next = run(accounts_.sessions(UserId{1}, at(1), page->at(1).id, 2));
  EXPECT_EQ(next->at(0).id, SessionId{sessions_per_account_max - 1});
}

TEST_P(AccountsContract, EndsOneOrAllSessionsOfItsUser) {
  for (int id = 1; id <= 2; ++id) ASSERT_TRUE(create(account_of(id, "user" + std::to_string(id) + "@b.kr")));
  for (int id = 1; id <= 4; ++id) open(session_of(id, id == 4 ? 2 : 1, "hash" + std::to_string(id)));
  clock_.time = at(5);
  EXPECT_TRUE(run(accounts_.end_sessions(UserId{1}, SessionId{4}))->empty());  // Another user's.
  EXPECT_EQ(*run(accounts_.end_sessions(UserId{1}, SessionId{2})), std::vector{SessionId{2}});
  EXPECT_TRUE(run(accounts_.end_sessions(UserId{1}, SessionId{2}))->empty());
  EXPECT_EQ(*run(accounts_.end_sessions(UserId{1}, {})), (std::vector{SessionId{1}, SessionId{3}}));
  EXPECT_TRUE(live(1).empty());
  EXPECT_EQ(live(2), std::vector{SessionId{4}});
  EXPECT_EQ(run(accounts_.ended_since(at(5)))->size(), 3u);
  EXPECT_TRUE(run(accounts_.ended_since(at(6)))->empty());
}

TEST_P(AccountsContract, KnowsWhereTheLastSessionsOfAnAccountWereOpened) {
  ASSERT_TRUE(create(account_of(1, "kim@b.kr")));
  ASSERT_TRUE(create(account_of(2, "lee@b.kr")));
  const auto knows = [this](std::int64_t user, std::string client) {
    return *run(accounts_.knows_client(UserId{user}, std::move(client)));
  };
  for (int id = 1; id <= known_clients_max + 1; ++id) {
    Session session = session_of(id, 1, "hash" + std::to_string(id));
    session.created_at = at(id);
    session.client = "192.0.2." + std::to_string(id);
    open(std::move(session));
  }
  EXPECT_FALSE(knows(1, "192.0.2.1")) << "used longest ago";
  EXPECT_TRUE(knows(1, "192.0.2.2"));
  EXPECT_TRUE(knows(1, "192.0.2." + std::to_string(known_clients_max + 1)));
  EXPECT_FALSE(knows(2, "192.0.2.2")) << "another's";
  EXPECT_FALSE(knows(0, "192.0.2.2")) << "nobody's";
  open(session_of(999, 2, "from nowhere"));
  EXPECT_FALSE(knows(2, ""));
}

TEST_P(AccountsContract, TheFileIsItsOwnersAlone) {
  const ::mode_t before = ::umask(0);
  TemporaryFolder folder;
  std::filesystem::permissions(folder.file(""), std::filesystem::perms::all);
  sqlite::MainDatabase database(folder.file("main.db"), pool_, 1, cipher_);
  ::umask(before);
  for (const auto* name : {"main.db", "main.db-wal", "main.db-shm"})
    EXPECT_EQ(std::filesystem::status(folder.file(name)).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << name;
}

MARKET_ON_EACH_DATABASE(AccountsContract);

}  // namespace
}  // namespace market::contract
