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
#include "sale/gate_recovery.hpp"

namespace market::apps {
namespace {

constexpr std::int64_t accounts_per_commit = 10'000;
constexpr std::int64_t events_per_commit = 4'096;
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

/// Appends what decide() allows, folded into a state of its own.
class LogSeeder {
 public:
  explicit LogSeeder(Store& store) : store_(store) {
    const auto read = store.log.read(0, [this](Position, const Event& event) {
      apply(state_, event);
      return true;
    });
    must(read);
  }
  void add(const Command& command, Instant now) {
    auto decision = decide(state_, command, now);
    if (const auto* error = std::get_if<Error>(&decision)) throw std::runtime_error(error->detail);
    auto* event = std::get_if<Event>(&decision);
    if (!event) return;
    const OrderPtr order = apply(state_, *event);
    if (order && !order->has_open_work()) {
      state_.orders.erase(order->id);
      state_.keys.erase(order->key);
    }
    events_.push_back(std::move(*event));
    if (static_cast<std::int64_t>(events_.size()) >= events_per_commit) flush();
  }
  void flush() {
    if (events_.empty()) return;
    const auto appended = store_.log.append(events_);
    if (!appended) throw std::runtime_error(appended.error().detail);
    events_.clear();
  }

 private:
  Store& store_;
  SaleState state_;
  std::vector<Event> events_;
};

std::vector<ProductId> seed_products(Store& store, LogSeeder& log, const SeedOptions& options,
                                     const Clock& clock, IdSource& ids) {
  std::vector<ProductId> products;
  for (std::int64_t i = 0; i < options.products; ++i) {
    const Instant now = clock.now();
    ProductText text;
    text.id = ids.next_as<ProductId>();
    text.name = fmt::format("Load product {}", i + 1);
    text.description = "Made by market seed.";
    text.category = "load";
    text.created_at = text.updated_at = now;
    must(run_task(store.texts.store(text)));
    ProductTerms terms;
    terms.price.amount = 10'000;
    terms.kind = ProductKind::event;
    terms.sale = Sale{now - sale_age, std::nullopt, std::nullopt};
    log.add(ListProduct{text.id, terms, options.stock}, now);
    products.push_back(text.id);
  }
  log.flush();
  return products;
}

/// A long history: orders that were accepted long ago and expired, so that nothing of them is open.
void seed_orders(LogSeeder& log, const SeedOptions& options, const std::vector<UserId>& users,
                 const std::vector<ProductId>& products, const Clock& clock, IdSource& ids) {
  if (options.orders == 0) return;
  if (users.empty() || products.empty()) throw UsageError("--orders needs --users and --products too");
  for (std::int64_t i = 0; i < options.orders; ++i) {
    const Instant then = clock.now() - orders_age;
    PlaceOrder place;
    place.order = ids.next_as<OrderId>();
    place.user = users[static_cast<std::size_t>(i) % users.size()];
    place.lines.push_back(WantedLine{products[static_cast<std::size_t>(i) % products.size()], 1});
    log.add(place, then);
    log.add(ExpireOrder{place.order, Millis(0)}, then + Millis(1));
  }
  log.flush();
}

}  // namespace

int seed(const SeedOptions& options) {
  check_settings(read_settings(options.settings), options.settings.config);
  const SystemClock clock;
  Store store(options.data, clock);
  IdSource ids(clock, 0);
  const auto users = seed_users(store, options, clock, ids);
  LogSeeder log(store);
  const auto products = seed_products(store, log, options, clock, ids);
  seed_orders(log, options, users, products, clock, ids);
  for (const ProductId product : products) fmt::print("product {}\n", product.text());
  fmt::print("seeded '{}': {} users, {} products, {} orders\n", options.data, users.size(), products.size(),
             options.orders);
  return 0;
}

}  // namespace market::apps
