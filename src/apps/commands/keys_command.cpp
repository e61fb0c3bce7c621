// `market keys`: the keys that sign access tokens. They are files, so a running server keeps its lock; it
// reads them at its start and on SIGHUP.
#include <fmt/format.h>

#include <filesystem>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/signing_keys.hpp"
#include "adapters/mysql/schema.hpp"
#include "adapters/mysql/session.hpp"
#include "apps/commands/commands.hpp"
#include "apps/roles/serve_parts.hpp"
#include "ports/accounts.hpp"

namespace market::apps {
namespace {

using files::StoredSigningKey;

/// How long servers have to read a new key: until then tokens are still signed with the one before it.
constexpr Millis taking_over_max = std::chrono::hours(1);

std::filesystem::path first_key(const KeyOptions& options, const Settings& settings) {
  return keys_folder(settings, options.data) / files::signing_key_file;
}

/// At least one. Throws UsageError.
std::vector<StoredSigningKey> load(const std::filesystem::path& first) {
  auto keys = files::load_signing_keys(first);
  if (keys.empty())
    throw UsageError(
        fmt::format("{}: there are no keys; the first start makes them", first.parent_path().string()));
  return keys;
}

/// Without the key that a backup holds for its time it would be none any more.
void refuse_backup(const std::filesystem::path& first) {
  const auto folder = first.parent_path().parent_path();
  std::error_code none;
  for (const auto* mark : {files::backup_manifest, files::copy_mark, files::restore_mark})
    if (std::filesystem::exists(folder / mark, none))
      throw UsageError(fmt::format(
          "{}: is a backup, or an unfinished copy: its keys stay; change those of a restored store",
          folder.string()));
}

/// A restore brings the keys of its backup. A database that is away is not waited for: a key that has leaked
/// is changed without it.
void refuse_restore(const Settings& settings) {
  for (const char* part : {"accounts", "records"}) {
    const auto server = mysql_server(settings, part);
    if (!server) continue;
    try {
      mysql::Session(*server).begin_use();
    } catch (const mysql::Failure&) {
      continue;
    }
    mysql::expect_no_restore(*server);
  }
}

/// When the last token of a key has ended that another one, made then, replaced; `users.access_token_life`
/// may have been longer then than now.
Instant needed_until(Instant replaced_at) {
  return replaced_at + taking_over_max + access_token_life_max;
}

std::string made(const StoredSigningKey& key) {
  return key.made_at == Instant{} ? "with the store" : format_rfc3339(key.made_at);
}

/// What is to be done so that servers know of a change.
void print_next_step(const KeyOptions& options, const Settings& settings) {
  if (is_shared(settings)) {
    fmt::print(
        "send SIGHUP to all processes that check tokens, gateways first, then to those of the role user, "
        "with "
        "copies of the keys where they have some\n");
    return;
  }
  const long pid = files::DataFolder::owner(options.data);
  if (pid == 0)
    fmt::print("the store is stopped: its next start reads the keys\n");
  else
    fmt::print(
        "send SIGHUP to gateways that check tokens, with copies of the keys where they have some, then "
        "to process {}\n",
        pid);
}

}  // namespace

int list_keys(const KeyOptions& options) {
  const Settings settings = read_settings(options.settings);
  const auto keys = load(first_key(options, settings));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string use =
        i == 0 ? "signs" : "accepted, needed until " + format_rfc3339(needed_until(keys[i - 1].made_at));
    fmt::print("{}: made {}; {}\n", keys[i].key.id, made(keys[i]), use);
  }
  return 0;
}

int rotate_keys(const KeyOptions& options) {
  const Settings settings = read_settings(options.settings);
  const auto first = first_key(options, settings);
  load(first);
  refuse_backup(first);
  refuse_restore(settings);
  const SystemClock clock;
  const auto added = files::add_signing_key(first, clock.now());
  fmt::print("key {} is made: it signs as soon as the servers have read it\n", added.key.id);
  const auto keys = load(first);
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (needed_until(keys[i - 1].made_at) > clock.now()) continue;
    files::remove_signing_key(keys[i]);
    fmt::print("key {} is removed: no token needs it any more\n", keys[i].key.id);
  }
  print_next_step(options, settings);
  return 0;
}

int retire_key(const KeyOptions& options) {
  const Settings settings = read_settings(options.settings);
  const auto first = first_key(options, settings);
  const auto keys = load(first);
  refuse_backup(first);
  refuse_restore(settings);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].key.id != options.key) continue;
    if (i == 0) throw UsageError(fmt::format("key {} signs; run 'market keys rotate' first", options.key));
    files::remove_signing_key(keys[i]);
    fmt::print("key {} is removed: its tokens are refused as soon as the servers have read the keys\n",
               options.key);
    print_next_step(options, settings);
    return 0;
  }
  throw UsageError(fmt::format("there is no key '{}'; see 'market keys list'", options.key));
}

}  // namespace market::apps
