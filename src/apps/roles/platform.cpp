#include "apps/roles/platform.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "adapters/mysql/record_fold.hpp"
#include "apps/roles/read_index.hpp"
#include "apps/roles/run_task.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/settings/settings_check.hpp"
#include "http/message/problem.hpp"
#include "services/auth/audited.hpp"
#include "services/order/admin_routes.hpp"
#include "services/order/cart_routes.hpp"
#include "services/order/payment_notice_routes.hpp"
#include "services/order/webhook_routes.hpp"
#include "services/platform/platform_routes.hpp"
#include "services/product/admin_routes.hpp"
#include "services/product/catalogue.hpp"
#include "services/product/routes.hpp"
#include "services/product/wish_list_routes.hpp"
#include "services/user/admin_routes.hpp"
#include "services/user/care_routes.hpp"
#include "services/user/ended_sessions_route.hpp"
#include "services/user/mail_routes.hpp"

namespace market::apps {
namespace {

void warn(const std::string& line) {
  spdlog::warn("{}", line);
}

/// On a full disk a later start does it.
void mark_as_instance(const files::DataFolder& folder) {
  const auto mark = folder.file(files::shared_mark);
  std::error_code none;
  if (std::filesystem::exists(mark, none)) return;
  const auto written =
      files::write_file_durably(mark, "the market of this instance is where its settings say\n");
  if (!written) warn(written.error().detail);
}

wire::DigestKey random_key(RandomSource& random) {
  wire::DigestKey key;
  random.fill(key);
  return key;
}

/// Null: nothing that is answered for here is of the log.
std::unique_ptr<SaleCore> core_of(const Services& services, Store& store, const Clock& clock,
                                  const Settings& settings) {
  if (!services.follow_log()) return nullptr;
  return std::make_unique<SaleCore>(store, clock, settings, product::render, services.order);
}

/// Where instances share what waits to be sent, the one that writes the log sends it. Empty: each its own.
std::function<bool()> sender_of(const Store& store, const SaleCore* core) {
  if (!core) return [] { return false; };
  if (!store.accounts_at || !core->shared_log) return {};
  return [core] { return core->gate.writes(); };
}

user::MailLimits mail_limits(const Settings& settings, const Store& store, const SaleCore* core) {
  user::MailLimits limits;
  limits.may_send = sender_of(store, core);
  limits.retry_wait = settings.duration("mail.retry_after");
  return limits;
}

}  // namespace

struct Platform::RecordedOrders {
  RecordedOrders(const mysql::Server& server, Store& store)
      : records(server, store.pages_pool, store.orders_pool, Store::sql_threads + Store::own_orders_threads) {
  }
  mysql::MysqlOrderRecords records;
  sale::ReadOverlay nothing_newer;
  sale::LayeredOrderReader reader{nothing_newer, records};
};

namespace {

/// None: there is none yet, or the records cannot be asked; who needs no orders goes on without them.
LogId log_of(const mysql::Server& records) {
  try {
    const auto log = mysql::MysqlRecordFold(records).log();
    if (log) return *log;
    warn(log.error().detail);
  } catch (const std::exception& error) {
    warn(error.what());
  }
  return {};
}

Task<bool> on_board(Store& store, const ProductBoard& board, UserId seller) {
  auto look = [all = board.all(), seller]() -> Result<bool> {
    return std::any_of(all->begin(), all->end(),
                       [seller](const auto& each) { return each->terms.seller == seller; });
  };
  return store.lists_pool.run(seller.text(), std::move(look));
}

Task<bool> none(UserId) {
  co_return false;
}

}  // namespace

Platform::Platform(Services answering, const std::string& data, const Settings& from, bool behind_gateway,
                   Millis predecessor, bool for_show)
    : services(answering),
      settings(from),
      addresses_known(!behind_gateway || !settings.text("http.trusted_proxies").empty()),
      store(data, wall, predecessor, mysql_server(settings, "accounts"), settings.text("keys.folder")),
      core(core_of(services, store, clock, settings)),
      redis(redis_of(settings)),
      hasher(thread_count(settings.number("users.hash_threads"), cores / 2)),
      demo(for_show),
      smtp(smtp_of(settings)),
      mails(store.outbox, smtp.get(), ids, random, wall, background.executor(), demo && !smtp, warn,
            mail_limits(settings, store, core.get())),
      limiter(settings.flag("ratelimit.enabled"), random_key(random), redis ? &redis->limits : nullptr),
      sessions(store.accounts, store.tokens, denied, random, ids, wall,
               user::SessionSettings{settings.duration("users.access_token_life"), store.refresh_key()}),
      sign_up(store.accounts, hasher, mails, random, ids, wall, email_verification_of(settings)),
      orders(services.order ? std::make_unique<OrderParts>(
                                  OrderNeeds{store, *core, clock, wall, ids, random, mails,
                                             background.executor(), sender_of(store, core.get())},
                                  settings, smtp || demo)
                            : nullptr) {
  store.remember_keys();
  files::say_it_is_served(store.folder.path());
  if (is_shared(settings)) mark_as_instance(store.folder);
  const auto denying = run_task(sessions.deny_ended());
  if (!denying) throw std::runtime_error(denying.error().detail);
  if (const auto server = mysql_server(settings, "records"); server && !core) {
    recorded_orders = std::make_unique<RecordedOrders>(*server, store);
    store.expect_accounts_of(log_of(*server));
  }
  if (store.accounts_at) denial_watch = std::make_unique<DenialWatch>(sessions);
  if (redis && core) redis->share_stock(*core);
}

Platform::~Platform() {
  stop();
}

void Platform::start() {
  if (core) {
    core->gate.start();
    core->settle();
  }
  if (redis) redis->start_sharing();
  if (services.user) create_admin();
  mails.start();
  if (orders) orders->start();
}

void Platform::add_routes() {
  if (services.user) add_user_routes();
  if (services.product) add_product_routes();
  if (services.order) add_order_routes();
}

void Platform::add_user_routes() {
  user::add_user_routes(router, {authenticator, store.accounts, sign_up, sign_in, sessions, change_role,
                                 limiter, clock, addresses_known});
  user::add_admin_user_routes(router,
                              {authenticator, store.directory, store.audit, sessions, change_role, wall});
  user::add_mail_routes(router, {authenticator, store.outbox, mails, wall}, demo && !smtp);
  OrderReader* const orders_read = core              ? &core->reader
                                   : recorded_orders ? &recorded_orders->reader
                                                     : nullptr;
  user::HasProducts has_products = none;
  if (core)
    has_products = [this](UserId user) { return on_board(store, core->products, user); };
  else if (recorded_orders)  // As far as they are folded.
    has_products = [this](UserId user) { return recorded_orders->records.has_products(user); };
  user::add_care_routes(router, {authenticator, store.accounts, store.carts, store.wish_lists, care, limiter,
                                 clock, wall, addresses_known, orders_read, std::move(has_products), !core});
  user::add_ended_sessions_route(router, {authenticator, store.accounts, wall});
  if (core) follow_before({"GET /api/v1/users/me/export", "DELETE /api/v1/users/me"}, {});
  write_down(
      {"PATCH /api/v1/users/{id}", "PATCH /api/v1/admin/users/{id}", "POST /api/v1/admin/mails/{id}/retry"});
}

void Platform::add_product_routes() {
  product::add_product_routes(router, {authenticator,
                                       core->products,
                                       core->gate,
                                       store.pictures,
                                       store.picture_sizes,
                                       {store.search_pool, store.lists_pool},
                                       decoding,
                                       clock,
                                       settings.flag("ratelimit.enabled"),
                                       catch_up()});
  product::add_wish_list_routes(router, {authenticator, store.wish_lists, core->products, clock, catch_up()});
  product::add_admin_product_routes(
      router,
      {authenticator, core->products, core->gate, {store.search_pool, store.lists_pool}, clock, catch_up()});
  follow_before(
      {"GET /api/v1/products", "GET /api/v1/categories", "GET /api/v1/seller/products",
       "GET /api/v1/admin/products", "GET /api/v1/admin/products/{id}/sale/preflight"},
      {"GET /api/v1/products/{id}", "GET /api/v1/products/{id}/stock",
       "GET /api/v1/products/{id}/stock/stream", "GET /api/v1/products/{id}/image",
       "POST /api/v1/admin/products/{id}/sale/pause", "POST /api/v1/admin/products/{id}/sale/extend",
       "PATCH /api/v1/products/{id}", "DELETE /api/v1/products/{id}", "POST /api/v1/products/{id}/stock",
       "PUT /api/v1/products/{id}/image", "PUT /api/v1/wishlist/{id}"});
  write_down({"POST /api/v1/products", "PATCH /api/v1/products/{id}", "DELETE /api/v1/products/{id}",
              "POST /api/v1/products/{id}/stock", "PUT /api/v1/products/{id}/image",
              "POST /api/v1/admin/products/{id}/sale/pause", "POST /api/v1/admin/products/{id}/sale/extend"});
}

void Platform::add_order_routes() {
  order::OrderSettings how;
  how.payment_window = settings.duration("orders.payment_window");
  how.email_verification_required = email_verification_of(settings) == user::EmailVerification::required;
  how.sells_alone = !core->shared_log;
  how.streams_per_user_max = settings.flag("ratelimit.enabled")
                                 ? static_cast<std::size_t>(settings.number("gateway.streams_per_user_max"))
                                 : 0;
  order::add_order_routes(
      router, {authenticator, store.accounts, core->gate, core->products, core->reader, orders->pay,
               orders->refusals, orders->refused, orders->watch, clock, how});
  order::add_cart_routes(router, {authenticator, store.carts, core->products, clock, catch_up()});
  order::add_admin_order_routes(
      router, {authenticator, core->gate, core->reader, core->order_search, store.refusal_history,
               core->products, clock, [this] { return core->projector.place() < core->gate.place(); }});
  if (orders->notices) order::add_payment_notice_routes(router, {*orders->notices, orders->resolver, wall});
  order::add_webhook_routes(router, {authenticator, store.webhooks, orders->webhook_sender, orders->webhooks,
                                     ids, wall, [this] { return core->gate.place(); }});
  // What is not there when carts are merged is left out, and the browser forgets it.
  follow_before(
      {"GET /api/v1/orders", "POST /api/v1/cart/merge"},
      {"GET /api/v1/orders/{id}", "GET /api/v1/orders/{id}/events", "POST /api/v1/orders/{id}/payment",
       "POST /api/v1/orders/{id}/cancel", "POST /api/v1/orders/{id}/return", "PUT /api/v1/cart/items/{id}",
       "GET /api/v1/admin/orders/report"});
  write_down({"POST /api/v1/admin/orders/{id}/advance", "POST /api/v1/admin/orders/{id}/cancel",
              "POST /api/v1/admin/orders/{id}/refund", "POST /api/v1/admin/webhooks",
              "PATCH /api/v1/admin/webhooks/{id}", "DELETE /api/v1/admin/webhooks/{id}",
              "POST /api/v1/admin/webhooks/{id}/secret", "POST /api/v1/admin/webhook-deliveries/{id}/replay",
              "POST /api/v1/seller/webhooks", "PATCH /api/v1/seller/webhooks/{id}",
              "DELETE /api/v1/seller/webhooks/{id}", "POST /api/v1/seller/webhooks/{id}/secret",
              "POST /api/v1/seller/webhook-deliveries/{id}/replay", "GET /api/v1/admin/orders/export"});
}

/// Where others write the log, what they have written lately may be missing here. None: nobody else does.
std::function<Task<>()> Platform::catch_up() {
  if (!core->shared_log) return {};
  return [this] { return end_questions.run([this] { return core->gate.follow_to_now(Millis(1'000)); }); };
}

void Platform::follow_before(Routes fresh, Routes denying) {
  const CatchUp first = catch_up();
  if (!first) return;
  for (const char* route : fresh) router.wrap(route, read_fresh(first));
  for (const char* route : denying) router.wrap(route, read_again(first));
}

/// What sellers and administrators change.
void Platform::write_down(Routes routes) {
  const auto refusals = std::make_shared<auth::RefusalBudget>(settings.flag("ratelimit.enabled"));
  for (const char* route : routes)
    router.wrap(route, auth::audited({authenticator, store.audit, refusals, ids, clock}, route));
}

void Platform::look_at_files() {
  const bool fail = orders && !orders->payments_usable();
  if (orders && fail != orders->payments_fail.exchange(fail)) {
    const auto book = store.accounts_at ? "the charges in accounts.mysql" : "payments.db";
    if (fail)
      spdlog::error("{} cannot be written: no order can be paid", book);
    else
      spdlog::info("{} can be written again", book);
  }
  const bool gone = !store.fold.files_in_place() || !sql::is_in_place(*store.main);
  if (gone == files_gone.exchange(gone)) return;
  if (gone)
    spdlog::error(
        "records.db or main.db was deleted, moved away or made read-only; nothing is written to it");
  else
    spdlog::info("records.db and main.db are back");
}

void Platform::create_admin() {
  const char* email = std::getenv("MARKET_ADMIN_EMAIL");
  const std::string password = secret_of("MARKET_ADMIN_PASSWORD");
  const bool has_email = email && *email != '\0', has_password = !password.empty();
  if (has_email != has_password)
    throw UsageError("MARKET_ADMIN_EMAIL and MARKET_ADMIN_PASSWORD (or …_FILE) must be set together");
  if (!has_email) return;
  const auto created = run_task(sign_up.create_admin(email, password));
  if (created) {
    AccountQuery query;
    query.role = Role::admin;
    query.locked = false;
    query.limit = 1;
    const auto admins = run_task(store.directory.list(std::move(query)));
    if (admins && admins->empty())
      spdlog::warn(
          "there is no administrator: the account of MARKET_ADMIN_EMAIL is locked or has another role; "
          "a start with another address there makes one");
    return;
  }
  const auto trouble = fmt::format("the administrator cannot be created: {}", created.error().detail);
  if (created.error().code == Code::validation) throw UsageError(trouble);
  throw std::runtime_error(trouble);  // The machine's: a full disk, a database that is away.
}

std::string Platform::metrics(const http::Server& server) const {
  platform::MetricsText text;
  if (core) core->add_metrics(text);
  if (orders) orders->add_metrics(text);
  add_http_metrics(server, text);
  const user::MailCounters& sent = mails.counters();
  text.family("market_mails_total", "counter", "Mails, by what became of a try to send one.")
      .sample(sent.sent.load(), platform::label("outcome", "sent"))
      .sample(sent.retried.load(), platform::label("outcome", "retried"))
      .sample(sent.failed.load(), platform::label("outcome", "failed"))
      .sample(sent.lost.load(), platform::label("outcome", "lost"));
  text.family("market_sql_waiting", "gauge", "Reads, writes and searches that wait, by pool.");
  const auto waiting = [&text](const auto& pool, const char* name) {
    text.sample(static_cast<std::uint64_t>(std::max(0, pool.waiting())), platform::label("pool", name));
  };
  waiting(store.accounts_pool, "accounts");
  waiting(store.pages_pool, "pages");
  waiting(store.orders_pool, "orders");
  waiting(store.search_pool, "search");
  waiting(store.lists_pool, "lists");
  waiting(store.files_pool, "files");
  if (orders) waiting(orders->charges, "charges");
  if (redis) redis->add_metrics(text);
  const auto stepped = clock.wall_step().count();
  text.family("market_clock_stepped_milliseconds", "gauge",
              "By how much the wall clock was set since the start.")
      .sample(static_cast<std::uint64_t>(stepped < 0 ? -stepped : stepped));
  platform::add_process_metrics(text);
  return text.text();
}

}  // namespace market::apps
