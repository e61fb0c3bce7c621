#pragma once
/// `market check`: everything that must hold in a stopped store or a backup, file by file. Only looks.

#include <functional>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"
#include "domain/sale/audit.hpp"

namespace market::apps {

/// Told of each event of the log, in order, once the audit has seen it.
using Witness = std::function<void(const CountedEvent&, const Audit&)>;

/// `keys`: the folder of the keys. `attempt_bound`: orders.attempt_bound of who served it. Errors are
/// results, too.
files::CheckResults check_store(files::ReadOnlyFolder& folder, const std::filesystem::path& keys,
                                Millis attempt_bound, const Witness& witness = {});

}  // namespace market::apps
