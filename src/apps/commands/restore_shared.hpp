#pragma once
/// A backup, of whatever market, to a log and databases that several processes share.

#include "adapters/sqlite/backup.hpp"
#include "apps/commands/shared_store.hpp"

namespace market::apps {

/// Checks every file of the backup, then fills the topic and the databases, which must hold nothing, or what
/// a restore of the same backup left that was broken off: that one goes on. Every row and every record of the
/// log is compared afterwards. Nobody serves meanwhile. `scratch`: where a copy of main.db may lie. Throws
/// std::runtime_error with one line.
sqlite::BackupReport restore_shared(const std::filesystem::path& from, const SharedStore& to,
                                    const std::string& scratch);

}  // namespace market::apps
