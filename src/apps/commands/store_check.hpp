#pragma once
/// `market check`: the invariants of a store that is not being served, from its files alone.

#include <string>
#include <vector>

#include "ports/log.hpp"
#include "ports/order_records.hpp"
#include "ports/snapshot_store.hpp"

namespace market::apps {

struct CheckResult {
  std::string invariant;
  std::string violation;  ///< Empty: it holds. Else the first violation in words.
};

/// Reads everything; blocking. Never changes the store.
std::vector<CheckResult> check_store(Log& log, RecordFold& records, SnapshotStore& snapshots);

}  // namespace market::apps
