#include "sale/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/events/event_codec.hpp"

namespace market::sale {
namespace {

using wire::ByteReader;
using wire::ByteWriter;

/// 3 did not say whether a unit of a product was sold.
constexpr std::uint8_t format = 4, oldest_readable = 3;
enum class Section : std::uint8_t { products = 1, orders = 2, buyers = 3, keys = 4, end = 5 };
constexpr std::uint32_t products_per_slice = 256;
using Keys = SegmentedMap<RequestKey, KeyBinding>;

void put(ByteWriter& out, std::int64_t value) {
  out.fixed64(static_cast<std::uint64_t>(value));
}
void put(ByteWriter& out, Instant at) {
  put(out, at.time_since_epoch().count());
}
std::int64_t get_number(ByteReader& in) {
  return static_cast<std::int64_t>(in.fixed64());
}
Instant get_instant(ByteReader& in) {
  return Instant(Millis(get_number(in)));
}

void begin_section(std::string& bytes, Section section, std::size_t count) {
  ByteWriter out(bytes);
  out.byte(static_cast<std::uint8_t>(section));
  out.unsigned_integer(count);
}

void put_head(ByteWriter& out, const Sequencer& sequencer) {
  const LogEnd& end = sequencer.end();
  const SaleState::Numbers& numbers = sequencer.state().numbers;
  out.byte(format);
  out.fixed64(end.point.log.hi);
  out.fixed64(end.point.log.lo);
  out.unsigned_integer(end.point.log.generation);
  out.fixed64(end.point.term);
  put(out, end.point.last);
  put(out, end.next);
  out.fixed64(end.checksum);
  put(out, numbers.last_id);
  put(out, numbers.last_at);
  put(out, numbers.grace_until);
  put(out, numbers.oversell_prevented);
  put(out, sequencer.last_open_at());
  out.text(sequencer.writer_address());
  out.unsigned_integer(sequencer.state().refused.size());
  for (const auto& [request, refused] : sequencer.state().refused) {
    out.fixed64(request.hi);
    out.fixed64(request.lo);
    out.byte(static_cast<std::uint8_t>(refused.code));
    put(out, refused.until);
  }
}

}  // namespace

SnapshotCopy::SnapshotCopy(const Sequencer& sequencer)
    : sequencer_(sequencer),
      state_(sequencer.state()),
      place_(state_.numbers.place),
      product_count_(static_cast<std::uint32_t>(state_.products.size())),
      old_orders_(OpenOrders::parts()),
      old_units_(BuyerUnits::parts()),
      old_keys_(Keys::parts()) {
  ByteWriter out(bytes_);
  put_head(out, sequencer);
}

void SnapshotCopy::overwritten(const UndoLog& undo) {
  for (const UndoLog::Entry& entry : undo.entries()) {
    if (const auto* units = std::get_if<UndoLog::OldUnits>(&entry)) {
      if (const auto part = BuyerUnits::part_number(units->buyer.user); part >= buyers_done_)
        old_units_[part].try_emplace(units->buyer, units->units);
    } else if (const auto* stock = std::get_if<UndoLog::OldStock>(&entry)) {
      if (stock->slot >= products_done_) old_stock_.try_emplace(stock->slot, stock->stock);
    } else if (const auto* order = std::get_if<UndoLog::OldOrder>(&entry)) {
      const OrderId id = (*order)->order.id;
      const auto part = OpenOrders::part_number(id);
      if (part >= orders_done_ && (*order)->order.place <= place_) old_orders_[part].try_emplace(id, **order);
    } else if (const auto* key = std::get_if<UndoLog::OldKey>(&entry)) {
      if (const auto part = Keys::part_number(key->key); part >= keys_done_)
        old_keys_[part].try_emplace(key->key, key->binding);
    } else if (const auto* product = std::get_if<UndoLog::OldProduct>(&entry)) {
      if (product->slot >= products_done_)
        old_terms_.try_emplace(product->slot, product->product->version, product->product->terms);
    }
  }
}

bool SnapshotCopy::step(const std::function<bool()>& go_on) {
  do {
    if (products_done_ < product_count_) {
      copy_products();
    } else if (orders_done_ < OpenOrders::parts()) {
      copy_orders(orders_done_++);
    } else if (buyers_done_ < BuyerUnits::parts()) {
      copy_buyers(buyers_done_++);
    } else if (keys_done_ < Keys::parts()) {
      copy_keys(keys_done_++);
    } else if (!ended_) {
      ended_ = true;
      begin_section(bytes_, Section::end, 0);
      ByteWriter out(bytes_);
      put(out,
          sequencer_.forgotten_through());  // Rows that left memory meanwhile are looked up in the records.
    }
  } while (!ended_ && go_on());
  return ended_;
}

void SnapshotCopy::copy_products() {
  const std::uint32_t last = std::min(product_count_, products_done_ + products_per_slice);
  begin_section(bytes_, Section::products, last - products_done_);
  ByteWriter out(bytes_);
  for (; products_done_ < last; ++products_done_) {
    SaleProduct product = state_.products[products_done_];
    if (const auto old = old_terms_.find(products_done_); old != old_terms_.end())
      std::tie(product.version, product.terms) = old->second;
    if (const auto old = old_stock_.find(products_done_); old != old_stock_.end())
      product.stock = old->second;
    put(out, product.id.value);
    out.integer(product.version);
    wire::encode_terms(out, product.terms);
    put(out, product.stock.capacity);
    put(out, product.stock.remaining);
    put(out, product.stock.next_ticket);
    out.byte(product.stock.sold ? 1 : 0);
  }
}

void SnapshotCopy::put_order(const OpenOrder& order, const OpenLines& lines, AttemptId attempt) {
  ByteWriter out(bytes_);
  put(out, order.id.value);
  put(out, order.user.value);
  put(out, order.pay_by);
  put(out, order.place);
  out.byte(static_cast<std::uint8_t>(order.state));
  out.byte(static_cast<std::uint8_t>(order.payment));
  out.integer(attempt.value);
  out.unsigned_integer(lines.size());
  for (const OpenLine& line : lines) {
    out.unsigned_integer(line.slot);
    out.integer(line.quantity);
  }
}

// A part is written as its rows as they are now, but for those that were overwritten since: as they were.

/// An order's row says itself whether it was written since: by the place of its last event.
void SnapshotCopy::copy_orders(std::size_t part) {
  const auto old = std::exchange(old_orders_[part], {});
  std::size_t same = 0;
  state_.orders.for_each_of(part, [&](const OpenOrder& order) { same += order.place <= place_; });
  if (same + old.size() == 0) return;
  begin_section(bytes_, Section::orders, same + old.size());
  state_.orders.for_each_of(part, [&](const OpenOrder& order) {
    if (order.place <= place_)
      put_order(order, state_.orders.lines_of(order), state_.orders.attempt_of(order.id));
  });
  for (const auto& [id, each] : old) put_order(each.order, each.lines, each.attempt);
}

void SnapshotCopy::copy_buyers(std::size_t part) {
  const auto old = std::exchange(old_units_[part], {});
  std::vector<std::pair<Buyer, std::int32_t>> rows;
  state_.buyers.for_each_of(part, [&](const Buyer& buyer, std::int32_t units) {
    if (!old.contains(buyer)) rows.emplace_back(buyer, units);
  });
  for (const auto& [buyer, units] : old)
    if (units > 0) rows.emplace_back(buyer, units);
  // Products that came since are not in this snapshot, and so neither are their buyers: all were overwritten.
  begin_section(bytes_, Section::buyers, rows.size());
  ByteWriter out(bytes_);
  for (const auto& [buyer, units] : rows) {
    put(out, buyer.user.value);
    out.unsigned_integer(buyer.slot);
    out.integer(units);
  }
}

void SnapshotCopy::copy_keys(std::size_t part) {
  const auto old = std::exchange(old_keys_[part], {});
  std::vector<std::pair<RequestKey, KeyBinding>> rows;
  for (const auto& [key, binding] : state_.keys.part(part))
    if (!old.contains(key)) rows.emplace_back(key, binding);
  for (const auto& [key, binding] : old)
    if (binding) rows.emplace_back(key, *binding);
  begin_section(bytes_, Section::keys, rows.size());
  ByteWriter out(bytes_);
  for (const auto& [key, binding] : rows) {
    out.fixed64(key.hi);
    out.fixed64(key.lo);
    put(out, binding.subject);
    out.fixed64(binding.fingerprint);
  }
}

// ---- Reading ----

namespace {

void read_head(ByteReader& in, Sequencer::Memory& memory) {
  LogEnd& end = memory.end;
  SaleState::Numbers& numbers = memory.state.numbers;
  end.point.log.hi = in.fixed64();
  end.point.log.lo = in.fixed64();
  end.point.log.generation = static_cast<std::uint32_t>(in.unsigned_integer());
  end.point.term = in.fixed64();
  numbers.place = end.point.last = get_number(in);
  end.next = get_number(in);
  end.checksum = in.fixed64();
  numbers.last_id = get_number(in);
  numbers.last_at = get_instant(in);
  numbers.grace_until = get_instant(in);
  numbers.oversell_prevented = get_number(in);
  memory.last_open_at = get_instant(in);
  memory.writer_address = in.text();
  const std::size_t refused = in.count(25);
  for (std::size_t i = 0; i < refused; ++i) {
    RequestKey request;
    request.hi = in.fixed64();
    request.lo = in.fixed64();
    const std::uint8_t code = in.byte();
    if (code > static_cast<std::uint8_t>(last_code)) return in.refuse();
    const Instant until = get_instant(in);
    memory.state.refused[request] = RefusedRequest{static_cast<Code>(code), until};
    numbers.refused_until = std::min(numbers.refused_until, until);
  }
}

void read_product(ByteReader& in, SaleState& state, std::uint8_t of_format) {
  SaleProduct product;
  product.id.value = get_number(in);
  product.version = in.integer();
  product.terms = wire::decode_terms(in);
  product.stock.capacity = get_number(in);
  product.stock.remaining = get_number(in);
  product.stock.next_ticket = get_number(in);
  product.stock.sold = product.stock.next_ticket > 1 || product.stock.remaining != product.stock.capacity;
  if (of_format >= 4) {
    const std::uint8_t sold = in.byte();
    if (sold > 1) return in.refuse();
    product.stock.sold = sold == 1;
  }
  const auto slot = static_cast<std::uint32_t>(state.products.size());
  if (!state.slots.emplace(product.id, slot).second) return in.refuse();
  state.products.push_back(std::move(product));
}

void read_order(ByteReader& in, SaleState& state) {
  OpenOrder order;
  order.id.value = get_number(in);
  order.user.value = get_number(in);
  order.pay_by = get_instant(in);
  order.place = get_number(in);
  const std::uint8_t order_state = in.byte(), payment = in.byte();
  if (order_state > static_cast<std::uint8_t>(OrderState::cancelled) ||
      payment > static_cast<std::uint8_t>(PaymentState::refunded))
    return in.refuse();
  // A row that is newer than the snapshot, or stands twice, was written by nobody.
  if (order.place > state.numbers.place) return in.refuse();
  order.state = static_cast<OrderState>(order_state);
  order.payment = static_cast<PaymentState>(payment);
  const AttemptId attempt{in.integer()};
  const std::size_t count = in.count(2);
  if (count > order_lines_max) return in.refuse();
  OpenLines lines;
  for (std::size_t i = 0; i < count; ++i) {
    OpenLine line;
    line.slot = static_cast<std::uint32_t>(in.unsigned_integer());
    line.quantity = static_cast<std::int32_t>(in.integer());
    if (line.slot >= state.products.size() || line.quantity <= 0) return in.refuse();
    lines.push_back(line);
  }
  const std::size_t before = state.orders.size();
  state.orders.put(order, lines, attempt);
  if (state.orders.size() == before) return in.refuse();
}

void read_rows(ByteReader& in, Section section, std::size_t count, SaleState& state, std::uint8_t of_format) {
  if (section == Section::orders) {
    // All of one part: its table does not grow while they come.
    ByteReader ahead = in;
    state.orders.reserve_part_of(OrderId{get_number(ahead)}, count);
  }
  for (std::size_t i = 0; i < count && !in.broken(); ++i) {
    if (section == Section::products) {
      read_product(in, state, of_format);
    } else if (section == Section::orders) {
      read_order(in, state);
    } else if (section == Section::buyers) {
      const UserId user{get_number(in)};
      const auto slot = static_cast<std::uint32_t>(in.unsigned_integer());
      if (slot >= state.products.size()) return in.refuse();
      const auto units = static_cast<std::int32_t>(in.integer());
      if (units <= 0 || state.units_of(user, slot) != 0) return in.refuse();
      state.buyers.set(Buyer{user, slot}, units);
      state.products[slot].stock.sold = true;  // Format 3 says it of returned units nowhere else.
    } else {
      RequestKey key;
      key.hi = in.fixed64();
      key.lo = in.fixed64();
      const std::int64_t subject = get_number(in);
      state.keys[key] = KeyBinding{subject, in.fixed64()};
    }
  }
}

}  // namespace

Result<DecodedSnapshot> decode_snapshot(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t found = in.byte();
  if (found < oldest_readable || found > format)
    return fail(Code::internal, fmt::format("the snapshot has format {}, this program knows {} and {}", found,
                                            oldest_readable, format));
  Sequencer::Memory memory;
  read_head(in, memory);
  bool ended = false;
  while (!in.broken() && !ended) {
    const auto section = static_cast<Section>(in.byte());
    const std::size_t count = in.count(section == Section::end ? 1 : 6);
    ended = section == Section::end;
    if (section < Section::products || section > Section::end)
      in.refuse();
    else if (!ended)
      read_rows(in, section, count, memory.state, found);
  }
  memory.forgotten_through = get_number(in);
  if (in.broken()) return fail(Code::internal, "the snapshot is cut off");
  return DecodedSnapshot{std::move(memory), in.rest()};
}

bool knows_more(const LogRule::Point& snapshot, const LogRule::Point& end, LogId named) {
  const LogId log = end.log ? end.log : named;
  const bool same = !log || (snapshot.log.is_same_log(log) && snapshot.log.generation >= log.generation);
  return same && snapshot.last > end.last;
}

std::vector<OpenOrder> orders_beyond(const SaleState& snapshot, Place place) {
  std::vector<OpenOrder> found;
  snapshot.orders.for_each([&](const OpenOrder& order) {
    if (order.place > place) found.push_back(order);
  });
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return found;
}

}  // namespace market::sale
