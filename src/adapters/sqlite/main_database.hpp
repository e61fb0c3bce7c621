#pragma once
/// main.db: the ordinary rows (accounts, sessions, carts, wish lists). One writing session, a few reading
/// ones, all used on a bounded pool; a commit is on the disk when it returns. Heavy (includes SOCI), for .cpp
/// files and apps.

#include <memory>
#include <mutex>
#include <string>

#include "adapters/files/files.hpp"
#include "adapters/sqlite/sql_session.hpp"
#include "base/task.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

class MainDatabase {
 public:
  /// Opens or makes the file. `pool` is stopped before this ends, and `cipher` outlives it. Errors: throws
  /// std::runtime_error, also when what is stored cannot be read with this cipher's keys.
  MainDatabase(const std::string& path, BlockingPool& pool, unsigned readers, const FieldCipher& cipher);

  /// Runs `change(session)` (returning Result<T>) in a transaction: committed if it answers a value, else
  /// rolled back. Errors: its own, unavailable, overloaded, insufficient_storage, email_taken.
  template <class Change>
  auto write(Change change) {
    return pool_.run([this, change = std::move(change)] { return write_now(change); });
  }
  /// Runs `read(session)`. Errors: its own, unavailable, overloaded.
  template <class Read>
  auto read(Read read) {
    return pool_.run([this, read = std::move(read)] { return read_now(read); });
  }

  /// False: nothing is written any more, until the file is put back.
  bool files_in_place() const { return files_.in_place(); }

  /// The same at a start: on this thread.
  template <class Read>
  auto read_now(const Read& read) -> std::invoke_result_t<const Read&, soci::session&> try {
    auto session = readers_.take();
    return read(*session);
  } catch (const std::exception& error) {
    return fail(error_of(error, "cannot read main.db"));
  }

  template <class Change>
  auto write_now(const Change& change) -> std::invoke_result_t<const Change&, soci::session&> try {
    const std::lock_guard one_writer(writing_);
    if (!files_.in_place()) return fail(taken_away());
    Transaction all(*writer_, "BEGIN IMMEDIATE");
    auto answer = change(*writer_);
    if (answer) all.commit();
    // Looked at again: a file that was moved away meanwhile took the change along.
    if (answer && !files_.in_place()) return fail(taken_away());
    return answer;
  } catch (const std::exception& error) {
    return fail(write_error(error));
  }

 private:
  static Error write_error(const std::exception& error);
  static Error taken_away();

  BlockingPool& pool_;
  std::mutex writing_;
  std::unique_ptr<soci::session> writer_;
  Shared<soci::session> readers_;
  files::DatabaseFiles files_;
};

}  // namespace market::sqlite
