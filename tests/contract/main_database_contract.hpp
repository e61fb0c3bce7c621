#pragma once
/// What the contracts of ports that main.db keeps begin with: an empty main.db, and a time to tell.

#include <gtest/gtest.h>

#include "adapters/crypto/field_cipher.hpp"
#include "adapters/sqlite/main_database.hpp"
#include "tests/contract/run_task.hpp"

namespace market::contract {

inline Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(1'790'000'000 + seconds));
}

struct TestClock final : Clock {
  explicit TestClock(Instant now) : time(now) {}
  Instant now() const override { return time; }
  Instant time;
};

class MainDatabaseContract : public testing::Test {
 protected:
  ~MainDatabaseContract() override { pool_.stop(); }  // Each run() has waited for its work.

  TemporaryFolder folder_;
  BlockingPool pool_{2, 1'000};
  crypto::SodiumFieldCipher cipher_{{crypto::FieldKey{"k1", {1, 2, 3}}}, crypto::FieldSecret{4, 5, 6}};
  sqlite::MainDatabase database_{folder_.file("main.db"), pool_, 2, cipher_};
};

}  // namespace market::contract
