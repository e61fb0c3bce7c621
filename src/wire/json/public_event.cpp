#include "wire/json/public_event.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/sale/event_kind.hpp"
#include "wire/json/json_writer.hpp"
#include "wire/json/product_view.hpp"

namespace market::wire {
namespace {

void write_money(JsonWriter& json, const Money& money) {
  json.begin_object().member("amount", money.amount).member("currency", money.currency.text()).end_object();
}

void write_time(JsonWriter& json, std::string_view name, const std::optional<Instant>& at) {
  json.member_or_null(name, at ? format_rfc3339(*at) : std::string());
}

void write_ticket(JsonWriter& json, std::int64_t ticket) {
  json.key("ticket");
  ticket != 0 ? json.value(ticket) : json.null();
}

void write_product(JsonWriter& json, ProductId id, std::int64_t version, const ProductTerms& terms,
                   const ProductTexts& texts) {
  json.member("productId", id.text()).member("version", version).member("name", texts.name);
  json.member("description", texts.description).member("category", texts.category).key("price");
  write_money(json, terms.price);
  json.member("kind", text_of(terms.kind)).member("withdrawn", terms.withdrawn);
  json.member_or_null("imageUrl", image_url_of(id, texts.picture)).key("sale");
  if (!terms.sale) {
    json.null();
    return;
  }
  json.begin_object().member("opensAt", format_rfc3339(terms.sale->opens_at));
  write_time(json, "closesAt", terms.sale->closes_at);
  json.key("perUserLimit");
  terms.sale->per_user_limit ? json.value(*terms.sale->per_user_limit) : json.null();
  json.member("paused", terms.sale->paused).end_object();
}

/// The members of `data`. What a buyer or a seller wrote as a reason is for nobody else.
struct WriteData {
  JsonWriter& json;

  void operator()(const ProductListed& fact) const {
    write_product(json, fact.product, 1, fact.terms, fact.texts);
    json.member("stock", fact.stock);
  }
  void operator()(const ProductChanged& fact) const {
    write_product(json, fact.product, fact.version, fact.terms, fact.texts);
  }
  void operator()(const StockAdjusted& fact) const {
    json.member("productId", fact.product.text()).member("delta", fact.delta);
  }
  void operator()(const OrderAccepted& fact) const {
    json.member("orderId", fact.order.text()).key("total");
    write_money(json, fact.total);
    json.member("payBy", format_rfc3339(fact.pay_by)).key("items").begin_array();
    for (const OrderLine& line : fact.lines) {
      json.begin_object().member("productId", line.product.text()).member("version", line.version);
      json.member("quantity", line.quantity).key("unitPrice");
      write_money(json, line.unit_price);
      write_ticket(json, line.ticket);
      json.end_object();
    }
    json.end_array();
  }
  void operator()(const OrderPaid& fact) const {
    json.member("orderId", fact.order.text()).key("unitsTaken").begin_array();
    for (std::size_t i = 0; i < fact.units.size(); ++i) {
      const MovedUnits& each = fact.units[i];
      json.begin_object().member("productId", each.product.text()).member("quantity", each.quantity);
      write_ticket(json, i < fact.tickets.size() ? fact.tickets[i] : 0);
      json.end_object();
    }
    json.end_array();
  }
  void operator()(const OrderVoided& fact) const { write_returned(fact.order, fact.units); }
  void operator()(const OrderCancelled& fact) const { write_returned(fact.order, fact.units); }
  void operator()(const OrderMoved& fact) const {
    if (fact.state == OrderState::returned) return write_returned(fact.order, fact.units);
    json.member("orderId", fact.order.text());  // Its units are those that it keeps.
  }
  template <class Fact>
  void operator()(const Fact& fact) const {
    if constexpr (requires { fact.order; }) json.member("orderId", fact.order.text());
  }

  void write_returned(OrderId order, const Units& units) const {
    json.member("orderId", order.text()).key("unitsReturned").begin_array();
    for (const MovedUnits& each : units)
      json.begin_object()
          .member("productId", each.product.text())
          .member("quantity", each.quantity)
          .end_object();
    json.end_array();
  }
};

std::string kind_of(const Fact& fact) {
  if (std::holds_alternative<ProductListed>(fact)) return "product.listed";
  if (std::holds_alternative<ProductChanged>(fact)) return "product.changed";
  if (std::holds_alternative<StockAdjusted>(fact)) return "product.stock_adjusted";
  return order_kind_of(fact);
}

}  // namespace

std::string event_id(const LogId& log, Place place) {
  return fmt::format("evt_{:016x}{:016x}_{}_{}", log.hi, log.lo, log.generation, place);
}

const PublicEvents::Terms* PublicEvents::terms_at(ProductId product, Place place) const {
  const auto known = terms_.find(product);
  if (known == terms_.end()) return nullptr;
  const auto later = std::find_if(known->second.begin(), known->second.end(),
                                  [place](const Terms& terms) { return terms.since > place; });
  return later == known->second.begin() ? nullptr : &*std::prev(later);
}

void PublicEvents::note(ProductId product, Place since, std::optional<Instant> publish_at) {
  std::vector<Terms>& known = terms_[product];
  if (known.empty() || (known.back().since < since && known.back().publish_at != publish_at))
    known.push_back({since, publish_at});
}

void PublicEvents::note(const CountedEvent& counted) {
  if (const auto* listed = std::get_if<ProductListed>(&counted.event.fact))
    note(listed->product, counted.place, listed->terms.publish_at);
  if (const auto* changed = std::get_if<ProductChanged>(&counted.event.fact))
    note(changed->product, counted.place, changed->terms.publish_at);
}

std::optional<PublicEvent> PublicEvents::of(const CountedEvent& counted, const LogId& log, Place previous) {
  const Event& event = counted.event;
  note(counted);
  const auto kind = kind_of(event.fact);
  if (kind.empty()) return std::nullopt;
  const ProductId product = product_of(event.fact);
  if (product) {
    const Terms* terms = terms_at(product, counted.place);
    if (terms == nullptr || terms->publish_at > event.at) return std::nullopt;
  }
  PublicEvent made;
  made.place = counted.place;
  made.key = product ? product.text() : order_of(event.fact).text();
  JsonWriter json(made.body);
  json.begin_object().member("id", event_id(log, counted.place)).member("type", kind);
  json.member("at", format_rfc3339(event.at)).member("generation", log.generation);
  json.member("place", counted.place).key("previous");
  previous != 0 ? json.value(previous) : json.null();
  json.key("data").begin_object();
  std::visit(WriteData{json}, event.fact);
  json.end_object().end_object();
  return made;
}

}  // namespace market::wire
