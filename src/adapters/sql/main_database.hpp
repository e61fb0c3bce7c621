#pragma once
/// The ordinary rows (accounts, sessions, carts, wish lists, what operators did), on whatever database keeps
/// them: a file of this process (main.db), or a server that several share. Heavy (includes SOCI), for .cpp
/// files and apps.
///
/// Each change is one transaction, and one at a time: it may read first and rest on what it has read. A
/// commit is durable when write() answers.

#include <functional>
#include <optional>
#include <type_traits>

#include <soci/soci.h>

#include "base/task.hpp"

namespace market::sql {

class MainDatabase {
 public:
  /// `pool` is stopped before this ends.
  explicit MainDatabase(BlockingPool& pool) : pool_(pool) {}
  virtual ~MainDatabase() = default;

  /// Runs `change(session)` (returning Result<T>) in a transaction: committed if it answers a value, else
  /// rolled back. It may be run again when another instance was in its way. Errors: its own, unavailable,
  /// overloaded, insufficient_storage, email_taken.
  template <class Change>
  auto write(Change change) {
    return pool_.run([this, change = std::move(change)] { return write_now(change); });
  }
  /// Runs `read(session)`. Errors: its own, unavailable, overloaded.
  template <class Read>
  auto read(Read read) {
    return pool_.run([this, read = std::move(read)] { return read_now(read); });
  }

  /// The same at a start: on this thread.
  template <class Read>
  auto read_now(const Read& read) {
    using Answer = std::invoke_result_t<const Read&, soci::session&>;
    std::optional<Answer> answer;
    const auto done = run_read([&](soci::session& session) { answer.emplace(read(session)); });
    return done ? std::move(*answer) : Answer(fail(done.error()));
  }
  template <class Change>
  auto write_now(const Change& change) {
    using Answer = std::invoke_result_t<const Change&, soci::session&>;
    std::optional<Answer> answer;
    const auto done = run_write([&](soci::session& session) {
      answer.emplace(change(session));
      return answer->has_value();
    });
    return done ? std::move(*answer) : Answer(fail(done.error()));
  }

  /// False: nothing is written any more, until its file is put back.
  virtual bool files_in_place() const = 0;

 private:
  /// Commits if `change` answers true.
  virtual Result<> run_write(const std::function<bool(soci::session&)>& change) = 0;
  virtual Result<> run_read(const std::function<void(soci::session&)>& read) = 0;

  BlockingPool& pool_;
};

}  // namespace market::sql
