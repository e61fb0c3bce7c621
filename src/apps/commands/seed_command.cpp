// `market seed`: load data in a stopped store: accounts with access tokens, event products, a long log.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "apps/commands/commands.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/roles/store.hpp"
#include "apps/settings/settings_check.hpp"
#include "base/random.hpp"
#include "sale/begin_term.hpp"
#include "sale/log_reader.hpp"

namespace market::apps {
namespace {

constexpr std::int64_t accounts_per_commit = 10'000;
constexpr std::chrono::hours sale_age{72};    ///< Seeded sales have been open for so long,
constexpr std::chrono::hours orders_age{48};  ///< and seeded orders lie within.

void must(const Result<>& done) {
  if (!done) throw std::runtime_error(done.error().detail);
}

/// A file that only its owner may read: the tokens are as good as passwords.
class TokenFile {
 public:
  explicit TokenFile(const std::string& path) {
    if (path.empty()) return;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    file_ = fd < 0 ? nullptr : ::fdopen(fd, "w");
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

/// Accounts that nobody can sign in to (no password hash), each with a token that has no session.
std::vector<UserId> seed_users(Store& store, const SeedOptions& options, const Clock& clock, IdSource& ids) {
  TokenFile tokens(options.tokens);
  const auto life = parse_duration(options.token_life);
  if (!life || *life < std::chrono::seconds(1))
    throw UsageError(fmt::format("--token-life: '{}' must be a duration of 1s or more", options.token_life));
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
    tokens.add(store.tokens.sign(wire::Identity{account.id, {}, Role::customer, true, now + *life}, now));
    batch.push_back(std::move(account));
    if (static_cast<std::int64_t>(batch.size()) < accounts_per_commit && i + 1 < options.users) continue;
    must(run_task(store.accounts.create_all(std::exchange(batch, {}))));
  }
  tokens.finish();
  return users;
}

/// A writer of the log like any other, with nobody who waits for an answer.
class LogSeeder {
 public:
  explicit LogSeeder(Store& store) : store_(store), sequencer_({}, keys_) {
    must(sale::follow_to_end(store.log, sequencer_, [this](const CountedEvents&) { forget(); }));
  }

  /// The id of what the command is about.
  std::int64_t add(const Command& command, Instant now) {
    if (!std::exchange(opened_, true)) open(now);
    auto outcome = sequencer_.decide(command, {}, now);
    if (outcome.full) {
      flush();
      outcome = sequencer_.decide(command, {}, now);
    }
    if (outcome.refused) throw std::runtime_error(outcome.refused->detail);
    return outcome.subject;
  }
  void flush() {
    if (!sequencer_.has_group()) return;
    sequencer_.counted(append(sequencer_.seal()));
    forget();
  }

 private:
  Offset append(std::string_view record) {
    const auto offset = store_.log.append(record);
    if (!offset) throw std::runtime_error(offset.error().detail);
    if (*offset != sequencer_.end().next) throw std::runtime_error("another writer has appended to the log");
    return *offset;
  }
  void open(Instant now) {
    const LogId known = sequencer_.end().point.log;
    const auto begun =
        sale::begin_term(store_.log, sequencer_, random_number(), known ? known : store_.id, now);
    if (!begun) throw std::runtime_error("the log cannot be opened for writing: " + begun.error().detail);
  }
  /// Nobody asks for closed orders here.
  void forget() { sequencer_.forget(sequencer_.end().point.last); }

  Store& store_;
  sale::KeyFilter keys_;
  sale::Sequencer sequencer_;
  bool opened_ = false;
};

std::vector<ProductId> seed_products(LogSeeder& log, const SeedOptions& options, const Clock& clock) {
  std::vector<ProductId> products;
  for (std::int64_t i = 0; i < options.products; ++i) {
    const Instant now = clock.now();
    ListProduct listed;
    listed.texts.name = fmt::format("Load product {}", i + 1);
    listed.texts.description = "Made by market seed.";
    listed.texts.category = "load";
    listed.terms.price.amount = 10'000;
    listed.terms.kind = ProductKind::event;
    listed.terms.sale = Sale{now - sale_age, std::nullopt, std::nullopt};
    listed.stock = options.stock;
    products.push_back(ProductId{log.add(Command(std::move(listed)), now)});
  }
  log.flush();
  return products;
}

/// A long history: orders that were accepted long ago and expired, so that nothing of them is open.
void seed_orders(LogSeeder& log, const SeedOptions& options, const std::vector<UserId>& users,
                 const std::vector<ProductId>& products, const Clock& clock) {
  if (options.orders == 0) return;
  if (users.empty() || products.empty()) throw UsageError("--orders needs --users and --products too");
  for (std::int64_t i = 0; i < options.orders; ++i) {
    const Instant then = clock.now() - orders_age;
    PlaceOrder place;
    place.user = users[static_cast<std::size_t>(i) % users.size()];
    place.lines.push_back(WantedLine{products[static_cast<std::size_t>(i) % products.size()], 1});
    const OrderId order{log.add(Command(std::move(place)), then)};
    log.add(ExpireOrder{order}, then + Millis(1));
  }
  log.flush();
}

}  // namespace

int seed(const SeedOptions& options) {
  check_settings(read_settings(options.settings), options.settings.config);
  const SystemClock clock;
  Store store(options.data, clock);
  IdSource ids(clock);
  const auto users = seed_users(store, options, clock, ids);
  LogSeeder log(store);
  const auto products = seed_products(log, options, clock);
  seed_orders(log, options, users, products, clock);
  for (const ProductId product : products) fmt::print("product {}\n", product.text());
  fmt::print("seeded '{}': {} users, {} products, {} orders\n", options.data, users.size(), products.size(),
             options.orders);
  return 0;
}

}  // namespace market::apps
