#include "apps/commands/shared_check.hpp"

#include <fmt/format.h>

#include <thread>

#include "adapters/redis/client.hpp"
#include "adapters/redis/shared_stock.hpp"
#include "apps/commands/rows_of_one_moment.hpp"
#include "apps/roles/run_task.hpp"
#include "base/checksum.hpp"

namespace market::apps {
namespace {

constexpr Millis redis_time_max{3'000};

std::uint64_t sum_of(std::int64_t product, std::int64_t ticket, std::int64_t order, Place place) {
  return checksum(fmt::format("{},{},{},{}", product, ticket, order, place));
}

/// Connected, or a reason.
Result<> connect(redis::Client& client) {
  client.start();
  const auto deadline = std::chrono::steady_clock::now() + redis_time_max;
  while (!client.connected() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(Millis(10));
  if (client.connected()) return {};
  return fail(Code::unavailable, "Redis: " + client.state());
}

Result<redis::Reply> ask(redis::Client& client, redis::Words words) {
  return run_task(client.call(std::move(words)));
}

redis::ClientSettings quiet(redis::ClientSettings settings) {
  settings.timeout = Millis(2'000);
  settings.warn = settings.inform = {};
  return settings;
}

std::string key_of(LogId log, ProductId product) {
  return redis::RedisSharedStock::prefix(log) + "stock:" + product.text();
}

std::optional<Instant> time_of(std::string_view text) {
  const auto at = parse_rfc3339(text);
  return at ? std::optional(*at) : std::nullopt;
}

}  // namespace

SharedCheck::SharedCheck(const SharedStore& store) {
  read_tickets(store);
  read_live_stock(store);
}

void SharedCheck::read_tickets(const SharedStore& store) {
  RowsOfOneMoment rows(store.records);
  const auto fold =
      rows.session().query("SELECT log_place, log_hi, log_lo, log_generation FROM fold WHERE only_row = 1");
  if (fold.empty()) throw std::runtime_error("the records do not say how far they are");
  folded_to_ = fold[0].integer(0);
  log_ = LogId{static_cast<std::uint64_t>(fold[0].integer(1)), static_cast<std::uint64_t>(fold[0].integer(2)),
               static_cast<std::uint32_t>(fold[0].integer(3))};
  for (const mysql::Row& row : rows.session().query("SELECT product FROM product_stock"))
    products_.push_back(ProductId{row.integer(0)});
  conflicts_ = rows.session().query("SELECT count(*) FROM fold_conflicts").at(0).integer(0);
  rows.session().each_row(
      "SELECT product, ticket, order_id, place FROM order_lines", [this](const mysql::Row& row) {
        ++tickets_there_;
        sum_there_ += sum_of(row.integer(0), row.integer(1), row.integer(2), row.integer(3));
      });
}

void SharedCheck::read_live_stock(const SharedStore& store) {
  if (!store.redis) {
    no_live_stock_ = "redis.servers is empty";
    return;
  }
  redis::Client client(quiet(*store.redis));
  if (const auto connected = connect(client); !connected) {
    no_live_stock_ = connected.error().detail;
    return;
  }
  for (const ProductId product : products_) {
    const auto line = ask(client, {"HMGET", key_of(log_, product), "generation", "place", "remaining",
                                   "capacity", "opens", "closes"});
    if (!line) {
      damaged_lines_.note(fmt::format("product {}: {}", product.text(), line.error().detail));
      continue;
    }
    if (line->at(0).is_nil() && line->at(1).is_nil()) continue;  // Redis may have none at any time.
    const auto generation = line->at(0).number(), place = line->at(1).number(),
               remaining = line->at(2).number(), capacity = line->at(3).number();
    if (!generation || !place || !remaining || !capacity)
      damaged_lines_.note(fmt::format("product {}: it is no line of the stock", product.text()));
    else if (*generation > log_.generation)
      damaged_lines_.note(fmt::format("product {}: of a later generation of the log", product.text()));
    else if (*generation == log_.generation)  // Of an earlier one it is not shown to anybody.
      lines_[product].said = {
          product, *place, *remaining, *capacity, time_of(line->at(4).text()), time_of(line->at(5).text())};
  }
}

void SharedCheck::see(const CountedEvent& counted, const Audit& audit) {
  end_ = counted.place;
  const Fact& fact = counted.event.fact;
  if (counted.place <= folded_to_) {
    const auto* paid = std::get_if<OrderPaid>(&fact);
    if (std::holds_alternative<OrderAccepted>(fact) || (paid && paid->retaken))
      if (const auto order = audit.orders().find(order_of(fact)); order != audit.orders().end())
        see_tickets(order->second, counted.place);
  }
  if (lines_.empty()) return;
  if (const ProductId product = product_of(fact)) see_stock(product, counted.place, audit);
  for (const StockMove& move : stock_moves(fact)) see_stock(move.product, counted.place, audit);
}

void SharedCheck::see_tickets(const Order& order, Place place) {
  for (const OrderLine& line : order.lines) {
    if (line.ticket == 0) continue;
    ++tickets_;
    sum_ += sum_of(line.product.value, line.ticket, order.id.value, place);
  }
}

bool SharedCheck::same(const StockLine& one, const StockLine& other) {
  return one.remaining == other.remaining && one.capacity == other.capacity && one.opens == other.opens &&
         one.closes == other.closes;
}

void SharedCheck::see_stock(ProductId id, Place place, const Audit& audit) {
  const auto found = lines_.find(id);
  const auto product = audit.products().find(id);
  if (found == lines_.end() || product == audit.products().end()) return;
  Line& line = found->second;
  if (place > line.said.place) line.matched |= line.is_right();
  StockLine now{id, place, product->second.remaining, product->second.capacity, {}, {}};
  if (const auto& sale = product->second.terms.sale) {
    now.opens = sale->opens_at;
    now.closes = sale->closes_at;
  }
  line.now = now;
}

files::CheckResults SharedCheck::results() const {
  files::CheckResults results;
  const bool same_tickets = tickets_ == tickets_there_ && sum_ == sum_there_;
  results.push_back({"order_lines has each ticket of the log once",
                     same_tickets ? ""
                                  : fmt::format("{} rows, {} tickets in the log{}", tickets_there_, tickets_,
                                                tickets_ == tickets_there_ ? ", not the same" : "")});
  results.push_back({"no ticket was given to two orders",
                     conflicts_ == 0 ? "" : fmt::format("{} in fold_conflicts", conflicts_)});
  if (!no_live_stock_.empty()) return results;
  auto wrong = damaged_lines_;
  for (const auto& [id, line] : lines_) {
    if (line.said.place > end_)
      wrong.note(fmt::format("product {}: Redis knows place {}, the log ends at {}", id.text(),
                             line.said.place, end_));
    else if (!line.now)
      wrong.note(fmt::format("product {} is not in the log", id.text()));
    else if (!line.is_right())
      wrong.note(fmt::format("product {}: {} of {} are left, the log says {} of {}", id.text(),
                             line.said.remaining, line.said.capacity, line.now->remaining,
                             line.now->capacity));
  }
  results.push_back({"the live stock in Redis is that of the log", wrong.text()});
  return results;
}

Result<> forget_live_stock(const redis::ClientSettings& redis, LogId log,
                           const std::vector<ProductId>& products) {
  redis::Client client(quiet(redis));
  if (const auto connected = connect(client); !connected) return connected;
  const std::string ours = redis::RedisSharedStock::prefix(log);
  std::vector<std::string> keys{ours + "mark", ours + "moved"};
  for (const ProductId product : products) keys.push_back(key_of(log, product));
  for (const std::string& key : keys)
    if (const auto done = ask(client, {"DEL", key}); !done) return fail(done.error());
  return {};
}

}  // namespace market::apps
