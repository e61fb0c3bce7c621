#pragma once
/// A market whose log, rows and keys several processes share, as the commands of operators see it: a copy of
/// it is an embedded store, so that whatever can be done with a data folder or a backup can be done with it.

#include <filesystem>
#include <memory>
#include <optional>

#include "adapters/kafka/log.hpp"
#include "adapters/mysql/session.hpp"
#include "adapters/redis/client_settings.hpp"
#include "adapters/sqlite/backup.hpp"
#include "apps/commands/commands.hpp"
#include "apps/settings/settings.hpp"
#include "domain/sale/event.hpp"
#include "ports/log.hpp"
#include "wire/auth/secret_text.hpp"

namespace market::apps {

struct SharedStore {
  kafka::LogSettings log;
  mysql::Server records, accounts;
  std::filesystem::path keys;
  std::optional<redis::ClientSettings> redis;
};

/// These commands work on what is there; only `serve` and `seed` make a store. Throws UsageError: the folder
/// has no embedded store.
void expect_store(const std::string& data);

/// What the settings name; none: the store is a folder. Throws UsageError: only some of log.kafka,
/// records.mysql and accounts.mysql are set.
std::optional<SharedStore> shared_store(const Settings& settings, const std::string& data);
/// The same of a command's options.
std::optional<SharedStore> shared_store(const StoreOptions& options);

/// Of the market whose accounts these are; none: it holds nothing yet. The generation is the log's alone.
LogId id_of_store(mysql::Session& accounts);

/// Throws std::runtime_error where a restore was broken off: some rows are there, and not the log.
void expect_no_restore(const SharedStore& store);

/// The log as it is: a topic that is missing is not made. Throws std::runtime_error.
std::unique_ptr<kafka::KafkaLog> log_to_look_at(const SharedStore& store);
/// The same; null: there is no such topic.
std::unique_ptr<kafka::KafkaLog> log_if_there(const SharedStore& store);

/// Where an order instance with this secret (door_secret) writes the log now; none: nobody does. Throws
/// std::runtime_error.
std::optional<std::string> running_writer(Log& log, const wire::SecretKey& secret);
/// Throws std::runtime_error when there is one, when one takes over, or when anybody is connected to the
/// databases: nobody may fold or write meanwhile.
void expect_nobody_serves(const SharedStore& store);
/// The last of these alone. Whoever asks is not connected.
void expect_nobody_connected(const SharedStore& store);

struct CopiedStore {
  LogId id;
  Offset log_records = 0;
  Offset foreign_records = 0;  ///< Bytes of others in the topic: an empty record stands for each.
};
/// Makes `to` an embedded store with all that this one has: places of followers, then the log to a later
/// place, then all other rows, charges and pictures, so that every order that was answered before is there,
/// with its buyer, its charge and its pictures. The market may run. Throws std::runtime_error.
CopiedStore copy_to_folder(const SharedStore& store, const std::filesystem::path& to);
/// The same without the records, which are made anew, as a backup. `to` is new, or was left unfinished by a
/// run that was broken off: what it has of the log stays.
sqlite::BackupReport backup_shared(const SharedStore& store, const std::filesystem::path& to);

}  // namespace market::apps
