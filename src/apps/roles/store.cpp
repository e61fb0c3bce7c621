#include "apps/roles/store.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstring>

namespace market::apps {
namespace {

constexpr auto log_file = "log.db";
constexpr auto records_file = "records.db";
constexpr auto main_file = "main.db";
constexpr auto snapshot_file = "gate.snapshot";

void warn(const std::string& what) {
  spdlog::warn("{}", what);
}

wire::AccessTokens load_tokens(const files::DataFolder& folder) {
  const auto first = folder.file(files::signing_key_file);
  if (files::load_signing_keys(first).empty()) folder.load_or_create_secret(first.filename().string());
  return wire::AccessTokens(files::keys_of(files::load_signing_keys(first)));
}

crypto::FieldSecret load_field_secret(const files::DataFolder& folder, std::string_view name) {
  crypto::FieldSecret secret;
  const std::string bytes = folder.load_secret_of(main_file, name, secret.size());
  std::memcpy(secret.data(), bytes.data(), secret.size());
  return secret;
}

crypto::SodiumFieldCipher load_cipher(const files::DataFolder& folder) {
  return crypto::SodiumFieldCipher({crypto::FieldKey{"f1", load_field_secret(folder, "field-encryption")}},
                                   load_field_secret(folder, "field-index"));
}

/// main.db is made after log.db: where it is alone, the log was deleted, and an empty one would hide that.
sqlite::LogSettings log_of(const files::DataFolder& folder) {
  const auto path = folder.file(log_file);
  if (!std::filesystem::exists(path) && std::filesystem::exists(folder.file(main_file)))
    throw std::runtime_error(fmt::format("{} is missing beside main.db; restore a backup", path.string()));
  return {.path = path, .warn = warn};
}

/// Likewise the other way: orders without their buyers.
std::string main_of(const files::DataFolder& folder, sqlite::SqliteLog& log) {
  const auto path = folder.file(main_file);
  const auto end = log.end();
  if (!std::filesystem::exists(path) && end && *end > 1)
    throw std::runtime_error(fmt::format("{} is missing beside log.db; restore a backup", path.string()));
  return path;
}

}  // namespace

Store::Store(const std::string& data, const Clock& clock, Millis wait)
    : folder(files::DataFolder::open(data, wait)),
      tokens(load_tokens(folder)),
      cipher(load_cipher(folder)),
      log(log_of(folder)),
      fold(folder.file(records_file)),
      records(folder.file(records_file), fold.index(), pool, sql_threads),
      snapshots(folder.file(snapshot_file), warn),
      main(sqlite::open_main_database(main_of(folder, log), pool, sql_threads)),
      accounts(*main, cipher, clock),
      carts(*main),
      wish_lists(*main),
      pictures(folder.file("pictures"), pool) {}

std::string Store::reload_keys() {
  auto keys = files::keys_of(files::load_signing_keys(folder.file(files::signing_key_file)));
  const std::string newest = keys.empty() ? "" : keys.front().id;
  tokens.replace(std::move(keys));
  return newest;
}

wire::SecretKey Store::refresh_key() const {
  wire::SecretKey key;
  const std::string bytes = folder.load_or_create_secret("refresh-tokens", key.size());
  std::memcpy(key.data(), bytes.data(), key.size());
  return key;
}

Store::~Store() {
  pool.stop();
}

void remove_records(const std::string& data) {
  const std::filesystem::path folder(data);
  sqlite::SqliteRecordFold::remove_files(folder / records_file);
  std::filesystem::remove(folder / snapshot_file);
}

}  // namespace market::apps
