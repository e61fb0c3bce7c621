#pragma once
/// A log in memory, for tests and simulations. Failures are asked for one by one; each hits the next call
/// that it fits.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "ports/log.hpp"

namespace market {

class MemoryLog final : public Log {
 public:
  Result<Offset> append(std::string_view record) override;
  Result<> read(Offset from, const std::function<bool(Offset, std::string_view)>& each) override;
  Result<Offset> end() override;

  enum class Failure {
    unknown_lost,    ///< append() answers unavailable; the record is not in the log.
    unknown_stored,  ///< append() answers unavailable; the record is in the log.
    disk_full,       ///< append() answers insufficient_storage; nothing was written.
    taken,           ///< append() answers conflict: `others` is appended before it.
    read_fails,      ///< read() or end() answers unavailable.
  };
  /// The n-th failure of a kind hits the n-th call that it fits.
  void fail_next(Failure failure);
  /// append() waits from now on until go_on(), as on a disk that hangs; then failures hit it.
  void hang();
  void go_on();
  bool holds_an_append();
  /// As after a restore of an older copy: `keep` records are left.
  void cut(std::size_t keep);
  /// What another writer appends at the next Failure::taken.
  void let_others_append(std::string record);

 private:
  bool take(std::initializer_list<Failure> fitting, Failure& taken);
  tl::unexpected<Error> carry_out(Failure failure, std::string_view record);
  Result<> look();

  std::mutex mutex_;
  std::condition_variable goes_on_;
  bool hangs_ = false;
  int held_ = 0;  ///< Calls of append() that wait.
  /// Never moved: `each` of read() may call this log.
  std::deque<std::string> records_;
  bool writable_ = true;  ///< False from a failed append() until somebody has looked.
  std::vector<Failure> failures_;
  std::string others_ = "another writer's";
};

}  // namespace market
