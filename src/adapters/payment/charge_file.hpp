#pragma once
/// payments.db: the test provider's own book of charges, one row per attempt. Each row has a keyed sum over
/// its amounts and what became of it, so that a flipped bit in money is found.

#include <sqlite3.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/files/files.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "domain/sale/money.hpp"

namespace market::payment {

struct ProviderTotals {
  std::int64_t charged = 0, refunded = 0;  ///< Minor units of captured charges, and of those given back.
};
struct Charge {
  AttemptId attempt;
  Money amount;
  bool declined = false, refunded = false;
  Instant captured_at{};
};

/// Whose book it is: the id of the store, and the keyed sum of a text.
struct ChargeFileOwner {
  std::uint64_t store_hi = 0, store_lo = 0;
  std::function<std::string(std::string_view)> sum = [](std::string_view) { return std::string("-"); };
};

class ChargeFile {
 public:
  /// Opens or makes it. Throws std::runtime_error with one line that names it, and changes nothing then, when
  /// the file is of another program, of another store or of a newer version.
  ChargeFile(std::string path, ChargeFileOwner owner);

  // Each blocks. Errors: unavailable; insufficient_storage: certainly nothing was written.
  /// The first charge of an attempt stays; answers it.
  Result<Charge> record(const Charge& charge);
  Result<std::optional<Charge>> find(AttemptId attempt);
  Result<> refund(AttemptId attempt);
  Result<ProviderTotals> totals(Instant now);

  /// Whether charges can be recorded: the file is in its place and writable, and the last write succeeded.
  /// While it did not, this tries again, so call it now and then.
  bool usable();

  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };

 private:
  void open(int create);
  void adopt_or_refuse(sqlite3* db) const;
  /// An open file in its place; after a failure it is opened anew, so that whatever was put right helps.
  Result<> ready();
  Error failed(int code);

  const std::string path_;
  const ChargeFileOwner owner_;
  std::mutex mutex_;  ///< Of the connection.
  std::unique_ptr<sqlite3, Closer> db_;
  files::DatabaseFiles files_;
  std::atomic<bool> failing_{false};
};

}  // namespace market::payment
