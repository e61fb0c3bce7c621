#pragma once
/// `market check`: everything that must hold in a stopped store or a backup, file by file. Only looks.

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"

namespace market::apps {

/// `keys`: the folder of the keys. Errors are results, too.
files::CheckResults check_store(files::ReadOnlyFolder& folder, const std::filesystem::path& keys);

}  // namespace market::apps
