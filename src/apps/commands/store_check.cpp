#include "apps/commands/store_check.hpp"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>

#include "adapters/crypto/field_cipher.hpp"
#include "adapters/files/data_folder.hpp"
#include "adapters/files/folder_walk.hpp"
#include "adapters/files/snapshot_file.hpp"
#include "adapters/payment/charge_check.hpp"
#include "adapters/sqlite/backup.hpp"
#include "adapters/sqlite/log_view.hpp"
#include "adapters/sqlite/look.hpp"
#include "adapters/sqlite/main_check.hpp"
#include "adapters/sqlite/record_check.hpp"
#include "apps/commands/compare_charges.hpp"
#include "apps/roles/field_keys.hpp"
#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"
#include "sale/snapshot.hpp"

namespace market::apps {
namespace {

using files::CheckResults;
using files::Differences;

/// The log as an audit sees it, and which store it is of.
struct ReadLog {
  Audit audit;
  LogId id;
  bool whole = false;
  bool paid = false;  ///< Whether anything was ever to be paid.
};

void add(CheckResults& results, CheckResults more) {
  for (auto& each : more) results.push_back(std::move(each));
}

/// Reads the log from the snapshot on, as a start does, and from its beginning without one.
Result<sale::Sequencer> state_of(Log& log, std::optional<std::string_view> snapshot, sale::KeyFilter& keys) {
  sale::Sequencer sequencer({}, keys);
  if (snapshot) {
    auto decoded = sale::decode_snapshot(*snapshot);
    if (!decoded) return fail(decoded.error());
    if (const auto merged = keys.merge(decoded->rest); !merged) return fail(merged.error());
    sequencer.restore(std::move(decoded->memory));
  }
  if (const auto followed = sale::follow_to_end(log, sequencer, {}); !followed) return fail(followed.error());
  return sequencer;
}

std::string compare_snapshot(Log& log, std::string_view bytes, const ReadLog& read,
                             std::uint64_t whole_hash) {
  const auto decoded = sale::decode_snapshot(bytes);
  if (!decoded) return decoded.error().detail;
  const sale::LogEnd& end = decoded->memory.end;
  if (end.point.log.hi != read.id.hi || end.point.log.lo != read.id.lo) return "it is of another store";
  if (end.point.last > read.audit.place())
    return fmt::format("it is newer than the log: it knows place {}, the log ends at {}", end.point.last,
                       read.audit.place());
  sale::KeyFilter keys;
  const auto restored = state_of(log, bytes, keys);
  if (!restored) return restored.error().detail;
  if (const std::string difference = read.audit.difference(restored->state()); !difference.empty())
    return difference;
  return state_hash(restored->state()) == whole_hash ? "" : "it gives another state than the whole log";
}

void check_sequencer(files::ReadOnlyFolder& folder, Log& log, const ReadLog& read, CheckResults& results) {
  sale::KeyFilter keys;
  const auto whole = state_of(log, std::nullopt, keys);
  results.push_back({"the sequencer's state is what the whole log says",
                     whole ? read.audit.difference(whole->state()) : whole.error().detail});
  const auto snapshot = files::read_snapshot_file(folder.file(files::snapshot_name));
  if (snapshot && !*snapshot) return;  // A start reads the whole log then.
  const std::uint64_t hash = whole ? state_hash(whole->state()) : 0;
  results.push_back({"snapshot and tail give the same state as the whole log",
                     snapshot ? compare_snapshot(log, **snapshot, read, hash) : snapshot.error().detail});
}

void see(ReadLog& read, sqlite::RecordCheck* records, const CountedEvents& events, const Witness& witness) {
  for (const CountedEvent& counted : *events) {
    read.audit.see(counted);
    if (witness) witness(counted, read.audit);
    read.paid |= std::holds_alternative<OrderPaid>(counted.event.fact);
  }
  if (records != nullptr) records->see(events);
}

void check_log(files::ReadOnlyFolder& folder, ReadLog& read, CheckResults& results,
               const Witness& witness) try {
  sqlite::SqliteLogView log(folder);
  results.push_back({"log.db is whole", sqlite::damage_of(sqlite::look_at(folder, "log.db"), "log.db")});
  std::optional<sqlite::RecordCheck> records;
  try {
    if (folder.has_database("records.db")) records.emplace(folder);
  } catch (const std::exception& error) {
    results.push_back({"the records can be read", error.what()});
  }
  const auto end = sale::read_counted(log, [&](const CountedEvents& events) {
    see(read, records ? &*records : nullptr, events, witness);
    return true;
  });
  results.push_back({"the log can be read to its end", end ? "" : end.error().detail});
  for (auto& finding : read.audit.findings())
    results.push_back({std::move(finding.invariant), std::move(finding.violation)});
  if (!end) return;
  read.whole = true;
  read.id = LogId{end->log.hi, end->log.lo, 0};
  if (records) {
    const bool same = !records->log() || records->log() == sale::id_of_next_term(end->log, records->log());
    results.push_back({"the records belong to this log", same ? "" : "they were folded from another one"});
    if (same) add(results, records->results());
  }
  check_sequencer(folder, log, read, results);
} catch (const std::exception& error) {
  results.push_back({"the log can be read", error.what()});
}

void check_payments(files::ReadOnlyFolder& folder, const ReadLog& read,
                    const crypto::SodiumFieldCipher& cipher, CheckResults& results) {
  if (!folder.has_database("payments.db")) {
    if (read.paid) results.push_back({"payments.db is there", "it is missing, and orders were paid"});
    return;  // That it was there once is said of main.db.
  }
  const auto sum = [&cipher](std::string_view text) { return cipher.blind_index(text); };
  auto book = payment::read_charges(folder, {read.id.hi, read.id.lo, sum});
  const bool readable = book.results.size() > 1;
  add(results, std::move(book.results));
  if (readable && read.whole)
    add(results,
        {{"what orders have paid was charged", missing_charges(read.audit.orders(), book.charges)},
         {"what was charged was paid by orders", unclaimed_charges(read.audit.orders(), book.charges)}});
}

void check_pictures(const files::ReadOnlyFolder& folder, const ReadLog& read, CheckResults& results) {
  Differences wrong;
  const auto look_at = [&](const std::filesystem::directory_entry& entry) {
    std::error_code none;
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file(none) || name.ends_with(".tmp")) return true;
    const auto sum = files::sha256_of_file(entry.path());
    if (!sum)
      wrong.note(sum.error().detail);
    else if (*sum != name)
      wrong.note(fmt::format("{} is damaged, or foreign", name));
    return true;
  };
  if (folder.has("pictures"))
    files::walk(folder.file("pictures"), std::filesystem::directory_options::none, look_at);
  for (const auto& [id, product] : read.audit.products()) {
    const auto& hash = product.texts.picture;
    if (hash.size() > 2 &&
        !folder.has((std::filesystem::path("pictures") / hash.substr(0, 2) / hash).string()))
      wrong.note(fmt::format("the picture of product {} is missing", id.text()));
  }
  results.push_back({"the pictures are there and whole", wrong.text()});
}

/// What must be there besides the log: records and snapshot are made anew.
void check_presence(const files::ReadOnlyFolder& folder, CheckResults& results) {
  for (const char* name : {"log.db", "main.db"})
    results.push_back({fmt::format("{} is there", name), folder.has_database(name) ? "" : "it is missing"});
  if (folder.has(files::copy_mark))
    results.push_back({"the copy was finished", "it was broken off; run 'market backup' again"});
  if (folder.has(files::restore_mark))
    results.push_back({"the restore was finished",
                       "it runs, or was broken off; run 'market restore' of the same backup again"});
}

struct FoundKeys {
  std::optional<crypto::SodiumFieldCipher> cipher;
  std::map<std::string, std::string> checks;
};

FoundKeys find_keys(const std::filesystem::path& folder, CheckResults& results) try {
  FoundKeys found;
  Differences wrong;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (!entry.is_regular_file(none) || entry.path().extension() == ".tmp") continue;
    if (const auto key = files::read_key_file(entry.path(), 32); !key) wrong.note(key.error().detail);
  }
  const auto field_keys = find_field_keys(folder);
  if (field_keys.keys.empty()) wrong.note(fmt::format("{} is missing", (folder / field_key_file).string()));
  if (!field_keys.index) wrong.note(fmt::format("{} is missing", (folder / field_index_file).string()));
  results.push_back({"the keys are there, and nobody else can read them", wrong.text()});
  found.checks = files::key_checks(folder);
  if (!field_keys.keys.empty() && field_keys.index) found.cipher.emplace(field_keys.keys, *field_keys.index);
  return found;
} catch (const std::exception& error) {
  results.push_back({"the keys can be read", error.what()});
  return {};
}

}  // namespace

CheckResults check_store(files::ReadOnlyFolder& folder, const std::filesystem::path& keys_folder,
                         Millis attempt_bound, const Witness& witness) {
  CheckResults results;
  if (folder.has(files::backup_manifest)) add(results, sqlite::check_backup(folder));
  check_presence(folder, results);
  ReadLog read{Audit(attempt_bound), {}};
  if (folder.has_database("log.db")) check_log(folder, read, results, witness);
  const FoundKeys keys = find_keys(keys_folder, results);
  if (keys.cipher && folder.has_database("main.db"))
    add(results, sqlite::check_main(folder, *keys.cipher, read.id, keys.checks));
  if (keys.cipher) check_payments(folder, read, *keys.cipher, results);
  check_pictures(folder, read, results);
  return results;
}

}  // namespace market::apps
