#include "wire/events/event_codec.hpp"
#include "base/checksum.hpp"

namespace market::wire {
namespace {

constexpr std::uint8_t version = 1;

/// The kind byte of a fact: its place in the Fact variant plus one. Never reordered, only appended to.
template <std::size_t index = 0>
Fact empty_fact(std::size_t kind) {
  if constexpr (index < std::variant_size_v<Fact>)
    return kind == index ? Fact(std::in_place_index<index>) : empty_fact<index + 1>(kind);
  else
    return Fact{};
}

void put(ByteWriter& out, Instant at) {
  out.integer(at.time_since_epoch().count());
}
template <class Tag>
void put(ByteWriter& out, Id<Tag> id) {
  out.fixed64(static_cast<std::uint64_t>(id.value));
}
void put(ByteWriter& out, const Units& units) {
  out.unsigned_integer(units.size());
  for (const MovedUnits& moved : units) {
    put(out, moved.product);
    out.integer(moved.quantity);
  }
}

Instant get_instant(ByteReader& in) {
  return Instant(Millis(in.integer()));
}
template <class Kind>
void get(ByteReader& in, Kind& id) {
  id.value = static_cast<std::int64_t>(in.fixed64());
}
void get(ByteReader& in, Units& units) {
  const std::size_t count = in.count(9);
  for (std::size_t i = 0; i < count; ++i) {
    MovedUnits moved;
    get(in, moved.product);
    moved.quantity = static_cast<std::int32_t>(in.integer());
    units.push_back(moved);
  }
}
template <class Enum>
void get_enum(ByteReader& in, Enum& value) {
  value = static_cast<Enum>(in.byte());
}
template <class Enum>
void put_enum(ByteWriter& out, Enum value) {
  out.byte(static_cast<std::uint8_t>(value));
}

void encode(ByteWriter& out, const ProductListed& fact) {
  put(out, fact.product);
  encode_terms(out, fact.terms);
  out.integer(fact.stock);
}
void decode(ByteReader& in, ProductListed& fact) {
  get(in, fact.product);
  fact.terms = decode_terms(in);
  fact.stock = in.integer();
}

void encode(ByteWriter& out, const ProductChanged& fact) {
  put(out, fact.product);
  encode_terms(out, fact.terms);
}
void decode(ByteReader& in, ProductChanged& fact) {
  get(in, fact.product);
  fact.terms = decode_terms(in);
}

void encode(ByteWriter& out, const StockAdjusted& fact) {
  put(out, fact.product);
  out.integer(fact.delta);
  out.text(fact.reason);
}
void decode(ByteReader& in, StockAdjusted& fact) {
  get(in, fact.product);
  fact.delta = in.integer();
  fact.reason = in.text();
}

void encode(ByteWriter& out, const OrderAccepted& fact) {
  encode_order(out, fact.order);
}
void decode(ByteReader& in, OrderAccepted& fact) {
  fact.order = decode_order(in);
}

void encode(ByteWriter& out, const OrderVoided& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.units);
  put_enum(out, fact.reason);
}
void decode(ByteReader& in, OrderVoided& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.units);
  get_enum(in, fact.reason);
}

void encode(ByteWriter& out, const OrderPaid& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.attempt);
  out.byte(fact.retaken);
  put(out, fact.units);
  out.unsigned_integer(fact.tickets.size());
  for (const std::int64_t ticket : fact.tickets) out.integer(ticket);
}
void decode(ByteReader& in, OrderPaid& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.attempt);
  fact.retaken = in.byte() != 0;
  get(in, fact.units);
  const std::size_t tickets = in.count(1);
  for (std::size_t i = 0; i < tickets; ++i) fact.tickets.push_back(in.integer());
}

void encode(ByteWriter& out, const OrderCancelled& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.units);
}
void decode(ByteReader& in, OrderCancelled& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.units);
}

void encode(ByteWriter& out, const OrderMoved& fact) {
  put(out, fact.order);
  put_enum(out, fact.state);
  put(out, fact.units);
  out.text(fact.reason);
}
void decode(ByteReader& in, OrderMoved& fact) {
  get(in, fact.order);
  get_enum(in, fact.state);
  get(in, fact.units);
  fact.reason = in.text();
}

void encode(ByteWriter& out, const GraceGranted& fact) {
  put(out, fact.until);
}
void decode(ByteReader& in, GraceGranted& fact) {
  fact.until = get_instant(in);
}
void encode(ByteWriter& out, const EpochOpened& fact) {
  out.integer(fact.epoch);
}
void decode(ByteReader& in, EpochOpened& fact) {
  fact.epoch = in.integer();
}

/// PaymentStarted, PaymentDeclined, RefundOwed, Refunded: an order and an attempt.
template <class AttemptFact>
void encode(ByteWriter& out, const AttemptFact& fact) {
  put(out, fact.order);
  put(out, fact.attempt);
}
template <class AttemptFact>
void decode(ByteReader& in, AttemptFact& fact) {
  get(in, fact.order);
  get(in, fact.attempt);
}

}  // namespace

void encode_terms(ByteWriter& out, const ProductTerms& terms) {
  put(out, terms.seller);
  out.integer(terms.price.amount);
  for (const char c : terms.price.currency.letters) out.byte(static_cast<std::uint8_t>(c));
  put_enum(out, terms.kind);
  out.byte(static_cast<std::uint8_t>(terms.withdrawn | (terms.sale ? 2 : 0) |
                                     (terms.sale && terms.sale->closes_at ? 4 : 0) |
                                     (terms.sale && terms.sale->per_user_limit ? 8 : 0)));
  if (!terms.sale) return;
  put(out, terms.sale->opens_at);
  if (terms.sale->closes_at) put(out, *terms.sale->closes_at);
  if (terms.sale->per_user_limit) out.integer(*terms.sale->per_user_limit);
}

ProductTerms decode_terms(ByteReader& in) {
  ProductTerms terms;
  get(in, terms.seller);
  terms.price.amount = in.integer();
  for (char& c : terms.price.currency.letters) c = static_cast<char>(in.byte());
  get_enum(in, terms.kind);
  const unsigned flags = in.byte();
  terms.withdrawn = flags & 1;
  if ((flags & 2) == 0) return terms;
  terms.sale.emplace();
  terms.sale->opens_at = get_instant(in);
  if (flags & 4) terms.sale->closes_at = get_instant(in);
  if (flags & 8) terms.sale->per_user_limit = static_cast<std::int32_t>(in.integer());
  return terms;
}

void encode_order(ByteWriter& out, const Order& order) {
  put(out, order.id);
  put(out, order.user);
  put_enum(out, order.state);
  put_enum(out, order.payment);
  out.integer(order.attempt.value);
  out.integer(order.total.amount);
  for (const char c : order.total.currency.letters) out.byte(static_cast<std::uint8_t>(c));
  put(out, order.created_at);
  out.integer((order.pay_by - order.created_at).count());
  out.integer((order.updated_at - order.created_at).count());
  out.byte(order.key ? 1 : 0);
  if (order.key) {
    out.fixed64(order.key.hi);
    out.fixed64(order.key.lo);
  }
  out.fixed64(order.body_fingerprint);
  out.unsigned_integer(order.lines.size());
  for (const OrderLine& line : order.lines) {
    put(out, line.product);
    out.integer(line.quantity);
    out.integer(line.unit_price.amount);
    out.integer(line.ticket);
  }
  out.unsigned_integer(order.history.size());
  for (const StateChange& change : order.history) {
    put_enum(out, change.state);
    out.integer((change.at - order.created_at).count());
  }
}

Order decode_order(ByteReader& in) {
  Order order;
  get(in, order.id);
  get(in, order.user);
  get_enum(in, order.state);
  get_enum(in, order.payment);
  order.attempt.value = in.integer();
  order.total.amount = in.integer();
  for (char& c : order.total.currency.letters) c = static_cast<char>(in.byte());
  order.created_at = get_instant(in);
  order.pay_by = order.created_at + Millis(in.integer());
  order.updated_at = order.created_at + Millis(in.integer());
  if (in.byte() != 0) {
    order.key.hi = in.fixed64();
    order.key.lo = in.fixed64();
  }
  order.body_fingerprint = in.fixed64();
  const std::size_t lines = in.count(11);
  for (std::size_t i = 0; i < lines; ++i) {
    OrderLine line;
    get(in, line.product);
    line.quantity = static_cast<std::int32_t>(in.integer());
    line.unit_price = Money{in.integer(), order.total.currency};  // An order has one currency.
    line.ticket = in.integer();
    order.lines.push_back(line);
  }
  const std::size_t changes = in.count(2);
  for (std::size_t i = 0; i < changes; ++i) {
    StateChange change{};
    get_enum(in, change.state);
    change.at = order.created_at + Millis(in.integer());
    order.history.push_back(change);
  }
  return order;
}

void encode_group(std::string& out, std::span<const Event> events) {
  const std::size_t start = out.size();
  ByteWriter writer(out);
  writer.byte(version);
  writer.unsigned_integer(events.size());
  for (const Event& event : events) {
    writer.byte(static_cast<std::uint8_t>(event.fact.index() + 1));
    put(writer, event.at);
    writer.integer(event.epoch);
    std::visit([&writer](const auto& fact) { encode(writer, fact); }, event.fact);
  }
  writer.fixed64(checksum(std::string_view(out).substr(start)));
}

Result<std::vector<Event>> decode_group(std::string_view bytes) {
  constexpr std::size_t checksum_bytes = 8;
  if (bytes.size() < checksum_bytes + 2) return fail(Code::internal, "the group is cut off");
  const std::string_view body = bytes.substr(0, bytes.size() - checksum_bytes);
  ByteReader stored(bytes.substr(body.size()));
  if (stored.fixed64() != checksum(body)) return fail(Code::internal, "the group's checksum is wrong");
  ByteReader reader(body);
  if (reader.byte() != version)
    return fail(Code::internal, "the group has a version this program does not know");
  const std::size_t count = reader.count(3);
  std::vector<Event> events(count);
  for (Event& event : events) {
    const std::size_t kind = reader.byte();
    if (kind == 0 || kind > std::variant_size_v<Fact>)
      return fail(Code::internal, "an event of unknown kind");
    event.fact = empty_fact(kind - 1);
    event.at = get_instant(reader);
    event.epoch = reader.integer();
    std::visit([&reader](auto& fact) { decode(reader, fact); }, event.fact);
  }
  if (reader.broken() || !reader.at_end())
    return fail(Code::internal, "the group does not end where it should");
  return events;
}

}  // namespace market::wire
