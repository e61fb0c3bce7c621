#include "apps/store.hpp"

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

wire::AccessTokens load_tokens(const sqlite::DataFolder& folder) {
  return wire::AccessTokens({wire::SigningKey{"k1", folder.load_or_create_secret("token-signing")}});
}

crypto::FieldSecret load_field_secret(const sqlite::DataFolder& folder, std::string_view name) {
  crypto::FieldSecret secret;
  const std::string bytes = folder.load_or_create_secret(name, secret.size());
  std::memcpy(secret.data(), bytes.data(), secret.size());
  return secret;
}

crypto::SodiumFieldCipher load_cipher(const sqlite::DataFolder& folder) {
  return crypto::SodiumFieldCipher({crypto::FieldKey{"f1", load_field_secret(folder, "field-encryption")}},
                                   load_field_secret(folder, "field-index"));
}

}  // namespace

Store::Store(const std::string& data, const Clock& clock, Millis wait)
    : folder(sqlite::DataFolder::open(data, wait)),
      tokens(load_tokens(folder)),
      cipher(load_cipher(folder)),
      log({.path = folder.file(log_file), .warn = warn}),
      fold(folder.file(records_file)),
      records(folder.file(records_file), fold.index(), pool, sql_threads),
      snapshots(folder.file(snapshot_file), warn),
      main(sqlite::open_main_database(folder.file(main_file), pool, sql_threads)),
      accounts(*main, cipher, clock),
      texts(*main) {}

Store::~Store() {
  pool.stop();
}

void remove_records(const std::string& data) {
  sqlite::SqliteOrderFold::remove_files(std::filesystem::path(data) / records_file);
}

}  // namespace market::apps
