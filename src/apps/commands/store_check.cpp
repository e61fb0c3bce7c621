#include "apps/commands/store_check.hpp"

#include <fmt/format.h>

#include "domain/sale/audit.hpp"
#include "sale/log_reader.hpp"
#include "sale/snapshot.hpp"

namespace market::apps {
namespace {

/// Counts differences and keeps the first in words.
class Differences {
 public:
  void note(std::string what) {
    if (count_++ == 0) first_ = std::move(what);
  }
  std::string text() const { return count_ == 0 ? "" : fmt::format("{} ({} such)", first_, count_); }

 private:
  std::string first_;
  std::size_t count_ = 0;
};

std::string compare_orders(const Audit& audit, RecordFold& records) {
  Differences wrong;
  for (const auto& [id, order] : audit.orders()) {
    const auto recorded = records.load(id);
    if (!recorded) return recorded.error().detail;
    if (*recorded && **recorded == order) continue;
    wrong.note(fmt::format("order {} is {}", id.text(), *recorded ? "different" : "missing"));
  }
  return wrong.text();
}

std::string compare_products(const Audit& audit, RecordFold& records) {
  const auto recorded = records.products();
  if (!recorded) return recorded.error().detail;
  Differences wrong;
  if (recorded->size() != audit.products().size())
    wrong.note(fmt::format("{} products instead of {}", recorded->size(), audit.products().size()));
  for (const RecordedProduct& product : *recorded) {
    const auto known = audit.products().find(product.id);
    if (known == audit.products().end())
      wrong.note(fmt::format("product {} is not in the log", product.id.text()));
    else if (product.version != known->second.version || product.terms != known->second.terms ||
             product.texts != known->second.texts || product.stock.remaining != known->second.remaining ||
             product.stock.capacity != known->second.capacity)
      wrong.note(fmt::format("product {} is different", product.id.text()));
  }
  return wrong.text();
}

/// Reads the log from the snapshot on, as a start does, and from its beginning without one.
Result<std::optional<sale::Sequencer>> state_of(Log& log, SnapshotStore* snapshots, sale::KeyFilter& keys) {
  sale::Sequencer sequencer({}, keys);
  if (snapshots != nullptr) {
    const auto bytes = snapshots->load();
    if (!bytes) return fail(bytes.error());
    if (!*bytes) return std::nullopt;
    auto decoded = sale::decode_snapshot(**bytes);
    if (!decoded) return fail(decoded.error());
    if (const auto merged = keys.merge(decoded->rest); !merged) return fail(merged.error());
    sequencer.restore(std::move(decoded->memory));
  }
  if (const auto followed = sale::follow_to_end(log, sequencer, {}); !followed) return fail(followed.error());
  return std::optional<sale::Sequencer>(std::move(sequencer));
}

std::string compare_snapshot(Log& log, SnapshotStore& snapshots, const Audit& audit,
                             std::uint64_t whole_hash) {
  sale::KeyFilter keys;
  const auto restored = state_of(log, &snapshots, keys);
  if (!restored) return restored.error().detail;
  if (!*restored) return {};  // No snapshot is fine.
  if (const std::string difference = audit.difference((*restored)->state()); !difference.empty())
    return difference;
  return state_hash((*restored)->state()) == whole_hash ? "" : "it gives another state than the whole log";
}

}  // namespace

std::vector<CheckResult> check_store(Log& log, RecordFold& records, SnapshotStore& snapshots) {
  const auto records_at = records.place();
  const auto records_of = records.log();
  if (!records_at || !records_of)
    return {{"the store can be read", (!records_at ? records_at.error() : records_of.error()).detail}};

  std::vector<CheckResult> results;
  Audit audit;
  std::string orders, products;
  const auto read = sale::read_counted(log, [&](const CountedEvents& events) {
    for (const CountedEvent& counted : *events) {
      audit.see(counted);
      if (counted.place != *records_at) continue;
      orders = compare_orders(audit, records);
      products = compare_products(audit, records);
    }
    return true;
  });
  results.push_back({"the log can be read to its end", read ? "" : read.error().detail});
  for (auto& finding : audit.findings())
    results.push_back({std::move(finding.invariant), std::move(finding.violation)});
  const bool same_log = read && (!*records_of || *records_of == read->log);
  results.push_back({"the records belong to this log", same_log ? "" : "they were folded from another one"});
  results.push_back({"the records are not ahead of the log",
                     *records_at <= audit.place() ? "" : fmt::format("{} > {}", *records_at, audit.place())});
  results.push_back({"the recorded orders are the fold of the log up to their place", orders});
  results.push_back({"the recorded products are the fold of the log up to their place", products});
  if (!read) return results;
  sale::KeyFilter keys;
  const auto whole = state_of(log, nullptr, keys);
  const std::string state = !whole ? whole.error().detail : audit.difference((*whole)->state());
  results.push_back({"the sequencer's state is what the whole log says", state});
  const std::uint64_t hash = whole ? state_hash((*whole)->state()) : 0;
  results.push_back({"snapshot and tail give the same state as the whole log",
                     compare_snapshot(log, snapshots, audit, hash)});
  return results;
}

}  // namespace market::apps
