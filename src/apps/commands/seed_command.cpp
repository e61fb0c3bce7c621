// `market seed`: load data: accounts with access tokens, event products, a long log. In a stopped store it is
// the writer; in one that is served, and in a market that several processes share, products are asked for
// from whoever writes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/private_folder.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/seed_log.hpp"
#include "apps/commands/seed_products.hpp"
#include "apps/commands/shared_store.hpp"
#include "apps/roles/field_keys.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/sale_core.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/shared_log.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings_check.hpp"
#include "base/must.hpp"
#include "services/product/catalogue.hpp"

namespace market::apps {
namespace {

constexpr std::int64_t accounts_per_commit = 10'000;

/// A file that only its owner may read: the tokens are as good as passwords.
class TokenFile {
 public:
  explicit TokenFile(const std::string& path) {
    if (path.empty()) return;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat kind {};
    // One that was there would keep its mode; a pipe or a device has an owner of its own.
    const bool own =
        fd >= 0 && ::fstat(fd, &kind) == 0 && (!S_ISREG(kind.st_mode) || ::fchmod(fd, 0600) == 0);
    file_ = own ? ::fdopen(fd, "w") : nullptr;
    if (!file_) throw UsageError(fmt::format("--tokens {}: cannot be written", path));
  }
  ~TokenFile() {
    if (file_) std::fclose(file_);
  }
  void add(const std::string& token) {
    if (file_) std::fprintf(file_, "%s\n", token.c_str());  // finish() looks for errors.
  }
  void finish() {
    if (file_ && (std::fflush(file_) != 0 || std::ferror(file_) != 0))
      throw std::runtime_error(fmt::format("--tokens: cannot be written: {}", std::strerror(errno)));
  }

 private:
  std::FILE* file_ = nullptr;
};

Millis token_life(const SeedOptions& options) {
  const auto life = parse_duration(options.token_life);
  if (!life) throw UsageError("--token-life " + life.error().detail);
  if (*life < std::chrono::seconds(1)) throw UsageError("--token-life must be a duration of 1s or more");
  return *life;
}

/// Whether all of it is lines of tokens (JSON in base64, three parts), the last one perhaps cut off.
bool is_file_of_tokens(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  while (std::getline(file, line)) {
    const bool whole = !file.eof();
    const bool letters = std::all_of(line.begin(), line.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
    });
    const auto dots = std::count(line.begin(), line.end(), '.');
    if (!letters || dots > 2 || (whole && dots != 2) || !line.starts_with("eyJ")) return false;
  }
  return file.eof();
}

namespace fs = std::filesystem;

/// Also where a link leads that has no file yet, and of folders that are yet to be made.
fs::path real_path(fs::path path) {
  constexpr int linux_follows = 40;
  std::error_code none;
  for (int i = 0; i < linux_follows && fs::is_symlink(path, none); ++i)
    path = path.parent_path() / fs::read_symlink(path, none);
  return fs::weakly_canonical(fs::absolute(path, none), none);
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto from_there = real_path(path).lexically_relative(real_path(folder));
  return !from_there.empty() && *from_there.begin() != "..";
}

/// A file in the store would be lost, or be taken for one of the store's own: keys are told by their names.
void expect_outside(const SeedOptions& options, const fs::path& keys) {
  for (const auto& [folder, what] :
       {std::pair(fs::path(options.data), "the data folder"), std::pair(keys, "the folder of the keys")})
    if (is_inside(options.tokens, folder))
      throw UsageError(fmt::format("--tokens {}: lies inside {} {}; name a file outside", options.tokens,
                                   what, folder.string()));
}

/// Nothing is overwritten that this command has not written.
void expect_own(const SeedOptions& options) {
  std::error_code none;
  if (!fs::is_regular_file(options.tokens, none) || fs::file_size(options.tokens, none) == 0) return;
  if (!is_file_of_tokens(options.tokens))
    throw UsageError(fmt::format(
        "--tokens {}: is there, and no file of tokens of a seed before; name another", options.tokens));
}

/// Before anything is made.
void expect_sense(const SeedOptions& options, const fs::path& keys) {
  token_life(options);
  if (options.orders > 0 && (options.users == 0 || options.products == 0))
    throw UsageError("--orders needs --users and --products too");
  if (options.tokens.empty()) return;
  expect_outside(options, keys);
  expect_own(options);
  const files::FileDescriptor tokens(::open(options.tokens.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!tokens) throw UsageError(fmt::format("--tokens {}: cannot be written", options.tokens));
}

/// Accounts that nobody can sign in to (no password hash), each with a token that has no session.
std::vector<UserId> seed_users(sql::SqlAccounts& accounts, const wire::AccessTokens& signer,
                               const SeedOptions& options, const Clock& clock) {
  IdSource ids(clock);
  TokenFile tokens(options.tokens);
  const Millis life = token_life(options);
  std::vector<UserId> users;
  std::vector<Account> batch;
  for (std::int64_t i = 0; i < options.users; ++i) {
    const Instant now = clock.now();
    Account account;
    account.id = ids.next_as<UserId>();
    account.email = fmt::format("load-{}@example.invalid", account.id.text());
    account.name = fmt::format("Load {}", i + 1);
    account.email_verified = true;
    account.created_at = now;
    users.push_back(account.id);
    tokens.add(signer.sign(wire::Identity{account.id, {}, Role::customer, true, now + life}, now));
    batch.push_back(std::move(account));
    if (static_cast<std::int64_t>(batch.size()) < accounts_per_commit && i + 1 < options.users) continue;
    must(run_task(accounts.create_all(std::exchange(batch, {}))));
  }
  tokens.finish();
  return users;
}

/// Nobody else has the log.
std::vector<ProductId> seed_as_writer(LogSeeder log, const SeedOptions& options,
                                      const std::vector<UserId>& users, const Clock& clock) {
  auto products = seed_products(options, clock, [&](ListProduct product) {
    return ProductId{log.add(Command(std::move(product)), clock.now())};
  });
  log.flush();
  seed_orders(log, options, users, products, clock);
  return products;
}

void refuse_orders(const SeedOptions& options) {
  if (options.orders > 0)
    throw UsageError("--orders: are written into the log with times of the past: stop the services first");
}

/// As a follower of the log, which decides nothing and hands commands on.
std::vector<ProductId> seed_through_writer(Store& store, const Settings& settings, const SeedOptions& options,
                                           const Clock& clock) {
  refuse_orders(options);
  if (options.products == 0) return {};
  SaleCore core(store, clock, settings, product::render, false);
  core.gate.start();
  auto products = seed_products(options, clock, [&](ListProduct product) {
    const auto done = run_task(core.gate.submit(Command(std::move(product))));
    if (!done) throw std::runtime_error(done.error().detail);
    return done->product();
  });
  core.stop();
  return products;
}

std::size_t seed_shared(const SharedStore& shared, const Settings& settings, const SeedOptions& options,
                        const Clock& clock, std::vector<ProductId>& products) {
  if (settings.text("keys.folder").empty() && load_field_keys(shared.keys).empty())
    throw UsageError(fmt::format("keys.folder: is empty, and {} has no keys", shared.keys.string()));
  // An instance for a moment, with a folder of its own.
  const files::PrivateFolder folder({});
  mysql::MysqlRecordFold records(shared.records);  // Before any key is made: it can be reached.
  Store store((folder.path() / "data").string(), clock, Millis(0), mysql_server(settings, "accounts"),
              shared.keys.string());
  store.remember_keys();
  const auto log = open_shared_log(shared.log, records);
  std::optional<LogSeeder> writer;
  if (!running_writer(*log, door_secret(store.refresh_key())))
    writer.emplace(*log, records, store.snapshots, store.id, LogOf::many);
  const auto users = seed_users(store.accounts, store.tokens, options, clock);
  products = writer ? seed_as_writer(std::move(*writer), options, users, clock)
                    : seed_through_writer(store, settings, options, clock);
  return users.size();
}

/// Beside the server that has the folder: its accounts are rows that several processes may write.
std::size_t seed_served(const Settings& settings, const SeedOptions& options, const Clock& clock,
                        std::vector<ProductId>& products) {
  refuse_orders(options);
  const auto keys = keys_folder(settings, options.data);
  const auto cipher = load_field_cipher(keys);
  const wire::AccessTokens tokens(files::keys_of(files::load_signing_keys(keys / files::signing_key_file)));
  BlockingPool pool(1, 64);
  const auto main =
      sqlite::open_main_database((std::filesystem::path(options.data) / "main.db").string(), pool, 1, cipher);
  sql::SqlAccounts accounts(*main, cipher, clock);
  const auto users = seed_users(accounts, tokens, options, clock);
  pool.stop();
  if (options.products == 0) return users.size();
  const auto url = options.url.empty() ? "http://" + settings.text("http.listen") : options.url;
  Shop shop(url, tokens, clock);
  products = seed_products(options, clock, [&](ListProduct product) { return shop.list(product); });
  return users.size();
}

}  // namespace

int seed(const SeedOptions& options) {
  const Settings settings = read_settings(options.settings);
  check_settings(settings, options.settings.config,
                 settings.text("log.kafka").empty() ? ServeRole::all : ServeRole::services);
  if (!is_shared(settings)) expect_no_instance(options.data);
  expect_sense(options, keys_folder(settings, options.data));
  const SystemClock clock;
  std::vector<ProductId> products;
  std::size_t users = 0;
  if (const auto shared = shared_store(settings, options.data)) {
    users = seed_shared(*shared, settings, options, clock, products);
  } else if (files::is_served(options.data)) {
    users = seed_served(settings, options, clock, products);
  } else {
    Store store(options.data, clock, Millis(0), std::nullopt, settings.text("keys.folder"));
    store.remember_keys();  // As the first start does: a copy of it is known as what it is.
    LogSeeder writer(store.log, store.fold, store.snapshots, store.id, LogOf::one);
    const auto made = seed_users(store.accounts, store.tokens, options, clock);
    products = seed_as_writer(std::move(writer), options, made, clock);
    users = made.size();
  }
  for (const ProductId product : products) fmt::print("product {}\n", product.text());
  fmt::print("seeded '{}': {} users, {} products, {} orders\n",
             settings.text("log.kafka").empty() ? options.data : "log.kafka", users, products.size(),
             options.orders);
  return 0;
}

}  // namespace market::apps
