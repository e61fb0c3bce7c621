// The commands on a store that nobody serves: backup (which also copies a running one), restore, check,
// rebuild.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "adapters/sqlite/backup.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/store_check.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"
#include "sale/gate_recovery.hpp"

namespace market::apps {
namespace {

/// These commands work on what is there; only `serve` and `seed` make a store.
void expect_store(const std::string& data) {
  if (!std::filesystem::exists(std::filesystem::path(data) / "log.db"))
    throw UsageError(fmt::format("--data {}: there is no store", data));
}

/// Writes to the records everything that the log has and they have not.
Position fold_all(EventLog& log, OrderFold& records) {
  constexpr std::size_t batch_orders = 50'000;
  SaleState state;
  boost::unordered_flat_map<OrderId, OrderPtr> changed;
  Position through = 0;
  Result<> stored;
  const auto flush = [&] {
    std::vector<OrderPtr> orders;
    orders.reserve(changed.size());
    for (auto& entry : changed) orders.push_back(std::move(entry.second));
    std::sort(orders.begin(), orders.end(),
              [](const OrderPtr& a, const OrderPtr& b) { return a->id < b->id; });
    stored = records.store(orders, through);
    changed.clear();
    return stored.has_value();
  };
  const auto read = log.read(0, [&](Position at, const Event& event) {
    through = at;
    if (OrderPtr order = apply(state, event)) {
      // What is closed for good needs no memory here: no later event is about it but a late refund.
      changed[order->id] = std::move(order);
    }
    return changed.size() < batch_orders || flush();
  });
  if (read && stored) flush();
  if (!read) throw std::runtime_error(read.error().detail);
  if (!stored) throw std::runtime_error(stored.error().detail);
  return through;
}

}  // namespace

int backup(const StoreOptions& options) {
  expect_store(options.data);
  const auto report = sqlite::backup_store(options.data, options.other);
  fmt::print("backup of '{}' in '{}': {} files, {} bytes, log position {}\n", options.data, options.other,
             report.files, report.bytes, report.log_position);
  return 0;
}

int restore(const StoreOptions& options) {
  const auto report = sqlite::restore_store(options.other, options.data);
  fmt::print("'{}' restored from '{}': {} files, log position {}\n", options.data, options.other,
             report.files, report.log_position);
  return 0;
}

int check_command(const StoreOptions& options) {
  expect_store(options.data);
  const SystemClock clock;
  Store store(options.data, clock);
  int passed = 0, failed = 0;
  for (const CheckResult& result : check_store(store.log, store.fold, store.snapshots)) {
    ++(result.violation.empty() ? passed : failed);
    if (result.violation.empty())
      fmt::print("ok: {}\n", result.invariant);
    else
      fmt::print("VIOLATED: {}: {}\n", result.invariant, result.violation);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

int rebuild(const StoreOptions& options) {
  expect_store(options.data);
  const SystemClock clock;
  {
    // Takes the lock first: the records of a running server are not removed under it.
    const auto folder = files::DataFolder::open(options.data);
    sqlite::SqliteEventLog log({.path = folder.file("log.db")});
    const auto begin = log.begin();
    if (!begin || *begin != 0)
      throw std::runtime_error("the log was trimmed: the records cannot be folded from it; restore a backup");
    remove_records(options.data);
  }
  Store store(options.data, clock);
  const Position through = fold_all(store.log, store.fold);
  fmt::print("the records of '{}' are folded anew up to position {}\n", options.data, through);
  return 0;
}

}  // namespace market::apps
