// `market keys reencrypt`: a new key for personal data, and all of it encrypted with that one. Of a stopped
// store: the key that encrypts is read at a start alone.
#include <fmt/format.h>

#include "adapters/files/private_folder.hpp"
#include "adapters/sql/reencrypt.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/shared_store.hpp"
#include "apps/roles/field_keys.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"

namespace market::apps {

int reencrypt_fields(const KeyOptions& options) {
  const Settings settings = read_settings(options.settings);
  if (!is_shared(settings)) expect_no_instance(options.data);
  const auto keys = keys_folder(settings, options.data);
  if (load_field_keys(keys).empty())
    throw UsageError(fmt::format("{}: there are no keys; the first start makes them", keys.string()));
  std::string data = options.data;
  std::optional<files::PrivateFolder> folder;
  const auto shared = shared_store(settings, options.data);
  if (shared) {
    expect_nobody_serves(*shared);
    data = (folder.emplace(std::filesystem::path()).path() / "data").string();
  }
  const SystemClock clock;
  const auto open = [&] {
    return std::make_unique<Store>(data, clock, Millis(0), mysql_server(settings, "accounts"), keys.string());
  };
  {
    const auto locked = open();  // Nobody else has it; what is there can be read.
    add_field_key(keys);
  }
  // Whoever has begun meanwhile may write with the key of before.
  if (shared) expect_nobody_connected(*shared);
  const auto opened = open();
  Store& store = *opened;
  const auto all = load_field_keys(keys);
  const std::string newest = all.front().id;
  const auto count = sql::reencrypt(*store.main, store.cipher, newest);
  store.remember_keys();
  fmt::print("key {} is made, and {} values are encrypted with it\n", newest, count);
  for (std::size_t i = 1; i < all.size(); ++i)
    fmt::print("key {} is needed by backups of before alone\n", all[i].id);
  return 0;
}

}  // namespace market::apps
