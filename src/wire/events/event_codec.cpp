#include "wire/events/event_codec.hpp"

namespace market::wire {
namespace {

/// An empty fact of a kind, its place in the Fact variant.
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
/// Of an order's lines.
std::size_t get_count(ByteReader& in, std::size_t bytes_min) {
  const std::size_t count = in.count(bytes_min);
  if (count > order_lines_max) in.refuse();
  return in.broken() ? 0 : count;
}
void get(ByteReader& in, Units& units) {
  const std::size_t count = get_count(in, 9);
  for (std::size_t i = 0; i < count; ++i) {
    MovedUnits moved;
    get(in, moved.product);
    moved.quantity = static_cast<std::int32_t>(in.integer());
    units.push_back(moved);
  }
}
/// Anything above `last` breaks the reader: no such value may reach a switch.
template <class Enum>
void get_enum(ByteReader& in, Enum& value, Enum last) {
  const std::uint8_t number = in.byte();
  if (number > static_cast<std::uint8_t>(last)) return in.refuse();
  value = static_cast<Enum>(number);
}
template <class Enum>
void put_enum(ByteWriter& out, Enum value) {
  out.byte(static_cast<std::uint8_t>(value));
}

void put(ByteWriter& out, RequestKey key) {
  out.fixed64(key.hi);
  out.fixed64(key.lo);
}
void get(ByteReader& in, RequestKey& key) {
  key.hi = in.fixed64();
  key.lo = in.fixed64();
}
void put(ByteWriter& out, const Currency& currency) {
  for (const char c : currency.letters) out.byte(static_cast<std::uint8_t>(c));
}
void get(ByteReader& in, Currency& currency) {
  for (char& c : currency.letters) c = static_cast<char>(in.byte());
}
std::int32_t get_quantity(ByteReader& in) {
  return static_cast<std::int32_t>(in.integer());
}

void encode(ByteWriter& out, const ProductListed& fact) {
  put(out, fact.product);
  encode_terms(out, fact.terms);
  encode_texts(out, fact.texts);
  out.integer(fact.stock);
}
void decode(ByteReader& in, ProductListed& fact) {
  get(in, fact.product);
  fact.terms = decode_terms(in);
  fact.texts = decode_texts(in);
  fact.stock = in.integer();
}

void encode(ByteWriter& out, const ProductChanged& fact) {
  put(out, fact.product);
  out.integer(fact.version);
  encode_terms(out, fact.terms);
  encode_texts(out, fact.texts);
}
void decode(ByteReader& in, ProductChanged& fact) {
  get(in, fact.product);
  fact.version = in.integer();
  fact.terms = decode_terms(in);
  fact.texts = decode_texts(in);
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
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.pay_by);
  out.integer(fact.total.amount);
  put(out, fact.total.currency);
  out.unsigned_integer(fact.lines.size());
  for (const OrderLine& line : fact.lines) {
    put(out, line.product);
    out.integer(line.version);
    out.integer(line.quantity);
    out.integer(line.unit_price.amount);
    out.integer(line.ticket);
  }
}
void decode(ByteReader& in, OrderAccepted& fact) {
  get(in, fact.order);
  get(in, fact.user);
  fact.pay_by = get_instant(in);
  fact.total.amount = in.integer();
  get(in, fact.total.currency);
  const std::size_t lines = get_count(in, 12);
  for (std::size_t i = 0; i < lines; ++i) {
    OrderLine line;
    get(in, line.product);
    line.version = in.integer();
    line.quantity = get_quantity(in);
    line.unit_price = Money{in.integer(), fact.total.currency};  // An order has one currency.
    line.ticket = in.integer();
    fact.lines.push_back(line);
  }
}

void encode(ByteWriter& out, const OrderVoided& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.attempt);
  put(out, fact.units);
  put_enum(out, fact.reason);
}
void decode(ByteReader& in, OrderVoided& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.attempt);
  get(in, fact.units);
  get_enum(in, fact.reason, VoidReason::hold_expired);
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
  const std::size_t tickets = get_count(in, 1);
  for (std::size_t i = 0; i < tickets; ++i) fact.tickets.push_back(in.integer());
}

void encode(ByteWriter& out, const RefundOwed& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.attempt);
  put_enum(out, fact.state);
}
void decode(ByteReader& in, RefundOwed& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.attempt);
  get_enum(in, fact.state, OrderState::cancelled);
}

void encode(ByteWriter& out, const OrderCancelled& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.refund);
  put(out, fact.units);
}
void decode(ByteReader& in, OrderCancelled& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.refund);
  get(in, fact.units);
}

void encode(ByteWriter& out, const OrderMoved& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put_enum(out, fact.state);
  put(out, fact.refund);
  put(out, fact.units);
  out.text(fact.reason);
  put(out, fact.attempt);
}
void decode(ByteReader& in, OrderMoved& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get_enum(in, fact.state, OrderState::cancelled);
  get(in, fact.refund);
  get(in, fact.units);
  fact.reason = in.text();
  get(in, fact.attempt);
}

void encode(ByteWriter& out, const GraceGranted& fact) {
  put(out, fact.until);
}
void decode(ByteReader& in, GraceGranted& fact) {
  fact.until = get_instant(in);
}

void encode(ByteWriter& out, const Refused& fact) {
  put(out, fact.request);
  put_enum(out, fact.code);
  put(out, fact.until);
}
void decode(ByteReader& in, Refused& fact) {
  get(in, fact.request);
  get_enum(in, fact.code, last_code);
  fact.until = get_instant(in);
}

void encode(ByteWriter&, const Barrier&) {}
void decode(ByteReader&, Barrier&) {}

/// PaymentStarted, PaymentDeclined, Refunded: an order, its buyer and an attempt.
template <class AttemptFact>
void encode(ByteWriter& out, const AttemptFact& fact) {
  put(out, fact.order);
  put(out, fact.user);
  put(out, fact.attempt);
}
template <class AttemptFact>
void decode(ByteReader& in, AttemptFact& fact) {
  get(in, fact.order);
  get(in, fact.user);
  get(in, fact.attempt);
}

constexpr unsigned has_key = 1, has_command = 2;
/// Beside an attempt's id it is as sure to be no request's key as any other 64 random bits.
constexpr std::uint64_t not_charged_mark = 0xC3A6'5B1E'94D7'208F;

}  // namespace

RequestKey not_charged_key(AttemptId attempt) {
  return RequestKey{not_charged_mark, static_cast<std::uint64_t>(attempt.value)};
}

WrittenKey written_key(const WrittenKey& of_request, AttemptId attempt, std::optional<PaymentState> back_to) {
  if (!back_to) return of_request;
  return {not_charged_key(attempt), static_cast<std::uint64_t>(*back_to)};
}

std::optional<PaymentState> take_back_to(AttemptId attempt, RequestKey& key, std::uint64_t& fingerprint) {
  if (key != not_charged_key(attempt)) return std::nullopt;
  for (const PaymentState state : {PaymentState::none, PaymentState::declined}) {
    if (fingerprint != static_cast<std::uint64_t>(state)) continue;
    key = {};
    fingerprint = 0;
    return state;
  }
  return std::nullopt;
}

void encode_terms(ByteWriter& out, const ProductTerms& terms) {
  put(out, terms.seller);
  out.integer(terms.price.amount);
  put(out, terms.price.currency);
  put_enum(out, terms.kind);
  out.byte(static_cast<std::uint8_t>(
      terms.withdrawn | (terms.sale ? 2 : 0) | (terms.sale && terms.sale->closes_at ? 4 : 0) |
      (terms.sale && terms.sale->per_user_limit ? 8 : 0) | (terms.publish_at ? 16 : 0) |
      (terms.sale && terms.sale->paused ? 32 : 0)));
  if (terms.publish_at) put(out, *terms.publish_at);
  if (!terms.sale) return;
  put(out, terms.sale->opens_at);
  if (terms.sale->closes_at) put(out, *terms.sale->closes_at);
  if (terms.sale->per_user_limit) out.integer(*terms.sale->per_user_limit);
}

ProductTerms decode_terms(ByteReader& in) {
  ProductTerms terms;
  get(in, terms.seller);
  terms.price.amount = in.integer();
  get(in, terms.price.currency);
  get_enum(in, terms.kind, ProductKind::event);
  const unsigned flags = in.byte();
  if (flags > 63 || ((flags & 2) == 0 && (flags & 44) != 0)) in.refuse();  // A sale's members need a sale.
  terms.withdrawn = flags & 1;
  if (flags & 16) terms.publish_at = get_instant(in);
  if ((flags & 2) == 0) return terms;
  terms.sale.emplace();
  terms.sale->paused = flags & 32;
  terms.sale->opens_at = get_instant(in);
  if (flags & 4) terms.sale->closes_at = get_instant(in);
  if (flags & 8) terms.sale->per_user_limit = get_quantity(in);
  return terms;
}

void encode_texts(ByteWriter& out, const ProductTexts& texts) {
  out.text(texts.name);
  out.text(texts.description);
  out.text(texts.category);
  out.text(texts.picture);
}

ProductTexts decode_texts(ByteReader& in) {
  ProductTexts texts;
  texts.name = in.text();
  texts.description = in.text();
  texts.category = in.text();
  texts.picture = in.text();
  return texts;
}

void encode_event(ByteWriter& out, const Event& event) {
  WrittenKey written{event.key, event.fingerprint};
  if (const auto* declined = std::get_if<PaymentDeclined>(&event.fact))
    written = written_key(written, declined->attempt, declined->back_to);
  out.byte(static_cast<std::uint8_t>(event.fact.index()));
  out.byte(static_cast<std::uint8_t>((written.key ? has_key : 0) | (event.command ? has_command : 0)));
  put(out, event.at);
  if (written.key) {
    put(out, written.key);
    out.fixed64(written.fingerprint);
  }
  if (event.command) {
    out.fixed64(event.command.session_hi);
    out.fixed64(event.command.session_lo);
    out.unsigned_integer(event.command.number);
  }
  std::visit([&out](const auto& fact) { encode(out, fact); }, event.fact);
}

bool decode_event(ByteReader& in, Event& event) {
  const std::size_t kind = in.byte();
  if (kind >= std::variant_size_v<Fact>) return false;
  event.fact = empty_fact(kind);
  const unsigned flags = in.byte();
  if ((flags & ~(has_key | has_command)) != 0) return false;  // A member that cannot be skipped.
  event.at = get_instant(in);
  if (flags & has_key) {
    get(in, event.key);
    event.fingerprint = in.fixed64();
    if (!event.key) return false;  // A flag without what it stands for: nobody writes that.
  }
  if (flags & has_command) {
    event.command.session_hi = in.fixed64();
    event.command.session_lo = in.fixed64();
    event.command.number = in.unsigned_integer();
    if (!event.command) return false;
  }
  std::visit([&in](auto& fact) { decode(in, fact); }, event.fact);
  if (auto* declined = std::get_if<PaymentDeclined>(&event.fact))
    declined->back_to = take_back_to(declined->attempt, event.key, event.fingerprint);
  return !in.broken();
}

}  // namespace market::wire
