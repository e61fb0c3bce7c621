// `market keys reencrypt`: a new key for personal data, and all of it encrypted with that one. Of a stopped
// store: the key that encrypts is read at a start alone.
#include <fmt/format.h>

#include "adapters/sqlite/reencrypt.hpp"
#include "apps/commands/commands.hpp"
#include "apps/roles/field_keys.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings.hpp"

namespace market::apps {

int reencrypt_fields(const KeyOptions& options) {
  const std::filesystem::path keys = std::filesystem::path(options.data) / "keys";
  if (load_field_keys(keys).empty())
    throw UsageError(fmt::format("--data {}: there are no keys; the first start makes them", options.data));
  const SystemClock clock;
  {
    Store locked(options.data, clock);  // Nobody else has it; what is there can be read.
    add_field_key(keys);
  }
  Store store(options.data, clock);
  const auto all = load_field_keys(keys);
  const std::string newest = all.front().id;
  const auto count = sqlite::reencrypt(*store.main, store.cipher, newest);
  store.remember_keys();
  fmt::print("key {} is made, and {} values are encrypted with it\n", newest, count);
  for (std::size_t i = 1; i < all.size(); ++i)
    fmt::print("key {} is needed by backups of before alone\n", all[i].id);
  return 0;
}

}  // namespace market::apps
