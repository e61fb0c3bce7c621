#pragma once
/// Whether records.db is the fold of the log: the log is folded a second time, into a private file, and the
/// two are compared row by row. Nothing in the folder is written.

#include <memory>
#include <vector>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"
#include "adapters/sqlite/record_fold.hpp"

namespace market::sqlite {

class RecordCheck {
 public:
  /// Throws std::runtime_error with one line when records.db cannot be read at all.
  explicit RecordCheck(files::ReadOnlyFolder& folder);
  ~RecordCheck();

  /// How far the records are, and of which log.
  Place place() const { return place_; }
  LogId log() const { return log_; }
  /// A group of the log, in order. Throws.
  void see(const CountedEvents& events);
  /// When all groups were seen. Throws.
  files::CheckResults results();

 private:
  void flush();

  std::string uri_, anew_path_;
  Place place_ = 0, folded_ = 0, end_ = 0;
  LogId log_;
  std::unique_ptr<SqliteRecordFold> anew_;
  std::vector<CountedEvents> waiting_;
  std::size_t waiting_events_ = 0;
};

}  // namespace market::sqlite
