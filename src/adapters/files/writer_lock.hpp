#pragma once
/// One writer of a file, by a lock on the file itself: it holds also where somebody deleted the lock file of
/// the folder. Its descriptors stay open to the end, since closing any descriptor of a database drops the
/// locks that SQLite has on it; so whoever has one destroys it after its databases.

#include <filesystem>
#include <vector>

#include "adapters/files/files.hpp"
#include "base/time.hpp"

namespace market::files {

class WriterLock {
 public:
  /// Makes the file when there is none. `wait`: how long another process may take to let go. Throws
  /// std::runtime_error: `X is in use by another process`.
  explicit WriterLock(std::filesystem::path path, Millis wait = Millis{0});
  /// Locks the file that has the name now, if it is another one; makes none. Throws as above.
  void renew();

 private:
  void lock(Millis wait, int create);
  std::filesystem::path path_;
  std::vector<FileDescriptor> held_;
};

}  // namespace market::files
