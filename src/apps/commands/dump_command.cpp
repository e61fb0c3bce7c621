// `market dump`: the events of a stopped store's log as JSON lines, for audits and for tests that trust no
// server.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "adapters/files/read_only_folder.hpp"
#include "adapters/sqlite/log_view.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/shared_store.hpp"
#include "apps/settings/settings.hpp"
#include "sale/log_reader.hpp"

namespace market::apps {
namespace {

using boost::json::array;
using boost::json::object;

object money(const Money& value) {
  return {{"amount", value.amount}, {"currency", std::string(value.currency.text())}};
}

array moved(const Units& units) {
  array list;
  for (const MovedUnits& each : units)
    list.push_back(object{{"productId", each.product.text()}, {"quantity", each.quantity}});
  return list;
}

object terms_of(const ProductTerms& terms) {
  object out{{"price", money(terms.price)},
             {"kind", std::string(text_of(terms.kind))},
             {"withdrawn", terms.withdrawn}};
  if (terms.publish_at) out["publishAt"] = format_rfc3339(*terms.publish_at);
  if (!terms.sale) return out;
  object sale{{"opensAt", format_rfc3339(terms.sale->opens_at)}};
  if (terms.sale->closes_at) sale["closesAt"] = format_rfc3339(*terms.sale->closes_at);
  if (terms.sale->per_user_limit) sale["perUserLimit"] = *terms.sale->per_user_limit;
  if (terms.sale->paused) sale["paused"] = true;
  out["sale"] = std::move(sale);
  return out;
}

/// Adds a fact's kind and members to the line of its event.
struct AddFact {
  object& line;

  void named(const char* kind) const { line["event"] = kind; }
  void about(const char* kind, OrderId order, AttemptId attempt) const {
    named(kind);
    line["order"] = order.text();
    if (attempt) line["attempt"] = attempt.text();
  }

  void operator()(const ProductListed& fact) const {
    named("product_listed");
    line["product"] = fact.product.text();
    line["stock"] = fact.stock;
    line["name"] = fact.texts.name;
    line["terms"] = terms_of(fact.terms);
  }
  void operator()(const ProductChanged& fact) const {
    named("product_changed");
    line["product"] = fact.product.text();
    line["version"] = fact.version;
    line["name"] = fact.texts.name;
    line["terms"] = terms_of(fact.terms);
    if (!fact.texts.picture.empty()) line["picture"] = fact.texts.picture;
  }
  void operator()(const StockAdjusted& fact) const {
    named("stock_adjusted");
    line["product"] = fact.product.text();
    line["delta"] = fact.delta;
  }
  void operator()(const OrderAccepted& fact) const {
    about("order_accepted", fact.order, {});
    line["user"] = fact.user.text();
    line["total"] = money(fact.total);
    line["payBy"] = format_rfc3339(fact.pay_by);
    array items;
    for (const OrderLine& item : fact.lines)
      items.push_back(object{{"productId", item.product.text()},
                             {"version", item.version},
                             {"quantity", item.quantity},
                             {"unitPrice", money(item.unit_price)},
                             {"ticket", item.ticket}});
    line["items"] = std::move(items);
  }
  void operator()(const OrderVoided& fact) const {
    about("order_voided", fact.order, fact.attempt);
    line["units"] = moved(fact.units);
  }
  void operator()(const PaymentStarted& fact) const { about("payment_started", fact.order, fact.attempt); }
  void operator()(const OrderPaid& fact) const {
    about("order_paid", fact.order, fact.attempt);
    line["retaken"] = fact.retaken;
    line["units"] = moved(fact.units);
    line["tickets"] = array(fact.tickets.begin(), fact.tickets.end());
  }
  void operator()(const PaymentDeclined& fact) const {
    about(fact.back_to ? "payment_not_charged" : "payment_declined", fact.order, fact.attempt);
    if (fact.back_to) line["payment"] = std::string(text_of(*fact.back_to));
  }
  void operator()(const RefundOwed& fact) const { about("refund_owed", fact.order, fact.attempt); }
  void operator()(const Refunded& fact) const { about("refunded", fact.order, fact.attempt); }
  void operator()(const OrderCancelled& fact) const {
    about("order_cancelled", fact.order, fact.refund);
    line["units"] = moved(fact.units);
  }
  void operator()(const OrderMoved& fact) const {
    about("order_moved", fact.order, fact.refund);
    line["state"] = std::string(text_of(fact.state));
    line["units"] = moved(fact.units);
  }
  void operator()(const GraceGranted& fact) const {
    named("grace_granted");
    line["until"] = format_rfc3339(fact.until);
  }
  void operator()(const Refused& fact) const {
    named("refused");
    line["until"] = format_rfc3339(fact.until);
  }
  void operator()(const Barrier&) const { named("barrier"); }
};

bool print_event(const CountedEvent& counted) {
  const Event& event = counted.event;
  object line{{"position", counted.place}, {"at", format_rfc3339(event.at)}};
  if (event.key) line["key"] = fmt::format("{:016x}{:016x}", event.key.hi, event.key.lo);
  std::visit(AddFact{line}, event.fact);
  const std::string text = boost::json::serialize(line) + "\n";
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

}  // namespace

int dump(const StoreOptions& options) {
  const auto print_all = [](Log& log, bool foreign_ignored) {
    const auto read = sale::read_counted(
        log,
        [](const CountedEvents& events) { return std::all_of(events->begin(), events->end(), print_event); },
        foreign_ignored);
    if (!read) throw std::runtime_error(read.error().detail);
  };
  if (const auto shared = shared_store(options)) {
    print_all(*log_to_look_at(*shared), true);
  } else {
    expect_store(options.data);
    files::ReadOnlyFolder folder(options.data, options.scratch);
    sqlite::SqliteLogView log(folder);
    print_all(log, false);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::runtime_error("the events cannot be written out");
  return 0;
}

}  // namespace market::apps
