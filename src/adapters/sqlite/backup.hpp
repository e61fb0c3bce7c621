#pragma once
/// A consistent copy of a store, also of a running one, and its way back.
///
/// The order of the copies is what makes them fit (each may be some moments newer than the one before):
/// snapshot, records, log, then accounts, payments, pictures, keys and the rest. So no snapshot or record is
/// ahead of the log (what is behind is folded again at start), and every order's buyer and every picture that
/// an event names are there.

#include <cstdint>
#include <filesystem>
#include <functional>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"
#include "ports/log.hpp"

namespace market::sqlite {

struct BackupReport {
  Offset log_records = 0;  ///< How many the copied log has.
  std::size_t files = 0;
  std::uint64_t bytes = 0;
};

/// Copies into `to`, a new or empty folder, or one in which an earlier call was killed, which is begun anew:
/// files::copy_mark stands in it until all is there. Its manifest is written last: without one it is no
/// backup. Throws std::runtime_error with one clear line, also where a start would refuse the files
/// (whole_store.hpp).
BackupReport backup_store(const std::filesystem::path& data, const std::filesystem::path& to);

/// Throws unless the folder holds nothing that could be lost. `what`: words for it.
void require_empty(const std::filesystem::path& folder, std::string_view what);

/// Puts files::copy_mark into a folder that is empty, or in which the same kind of copy (`kind`: what stands
/// in the mark) was broken off. Throws as above, and leaves any other folder as it is.
void begin_copy(const std::filesystem::path& folder, std::string_view kind);

/// Makes a backup of a folder that has a whole store and that no process uses: writes its manifest. Throws as
/// above.
BackupReport seal_backup(const std::filesystem::path& folder);

/// Throws std::runtime_error with one line unless the folder has every file of its manifest, byte by byte.
/// Answers a sum of the manifest: of two backups it is the same if they are.
std::string verify_backup(const std::filesystem::path& folder, BackupReport& report);

/// Checks every file of the manifest, then fills `data`, a new or empty folder that no process uses, or one
/// that a restore of the same backup has left unfinished: what is there already stays. `last_step` may make
/// or change records.db; until it has answered the restore is unfinished. Throws std::runtime_error with one
/// clear line.
BackupReport restore_store(const std::filesystem::path& from, const std::filesystem::path& data,
                           const std::function<void()>& last_step = {});

/// Whether a backup has what its manifest says, byte by byte, and nothing else.
files::CheckResults check_backup(const files::ReadOnlyFolder& folder);

}  // namespace market::sqlite
