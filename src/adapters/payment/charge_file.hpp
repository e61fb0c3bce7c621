#pragma once
/// payments.db: the book of charges (ports/charge_book.hpp) in a file of this process.

#include <sqlite3.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/files/files.hpp"
#include "ports/charge_book.hpp"

namespace market::payment {

/// Whose book it is: the id of the store, and the keyed sum of a text.
struct ChargeFileOwner {
  std::uint64_t store_hi = 0, store_lo = 0;
  std::function<std::string(std::string_view)> sum = [](std::string_view) { return std::string("-"); };
};

class ChargeFile final : public ChargeBook {
 public:
  /// Opens or makes it. Throws std::runtime_error with one line that names it, and changes nothing then, when
  /// the file is of another program, of another store or of a newer version.
  ChargeFile(std::string path, ChargeFileOwner owner);

  // Each blocks. Errors: unavailable; insufficient_storage: certainly nothing was written.
  /// The first charge of an attempt stays; answers it.
  Result<Charge> record(const Charge& charge) override;
  Result<std::optional<Charge>> find(AttemptId attempt) override;
  /// Charge::token_sum; empty also when there is no such charge.
  Result<std::string> token_sum_of(AttemptId attempt) override;
  Result<> refund(AttemptId attempt) override;
  Result<ProviderTotals> totals(Instant now) override;

  /// Whether charges can be recorded: the file is in its place and writable, and the last write succeeded.
  /// While it did not, this tries again, so call it now and then.
  bool usable() override;

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
