#include "adapters/payment/charge_file.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/support/temp_folder.hpp"

namespace market::payment {
namespace {

TEST(ChargeFile, SealsNoRowAnewThatWasChangedFromOutside) {
  const tests::TempFolder folder;
  const std::string path = folder / "payments.db";
  ChargeFile book(path, ChargeFileOwner{1, 2, [](std::string_view text) { return std::string(text); }});
  Charge charge;
  charge.attempt = AttemptId{1};
  charge.amount.amount = 500;
  ASSERT_TRUE(book.record(charge));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "UPDATE charges SET amount = 900", nullptr, nullptr, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_close(other), SQLITE_OK);
  EXPECT_EQ(book.refund(AttemptId{1}).error().code, Code::unavailable);
  EXPECT_FALSE(book.find(AttemptId{1})) << "still to be seen";
}

}  // namespace
}  // namespace market::payment
