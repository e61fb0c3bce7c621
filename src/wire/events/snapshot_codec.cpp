#include "wire/events/snapshot_codec.hpp"
#include "base/checksum.hpp"

#include "wire/events/event_codec.hpp"

namespace market::wire {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t checksum_bytes = 8;

void encode_product(ByteWriter& out, const SaleProduct& product) {
  out.fixed64(static_cast<std::uint64_t>(product.id.value));
  encode_terms(out, product.terms);
  out.integer(product.stock.capacity);
  out.integer(product.stock.remaining);
  out.integer(product.stock.next_ticket);
  out.unsigned_integer(product.buyers.size());
  for (const auto& [user, units] : product.buyers) {
    out.fixed64(static_cast<std::uint64_t>(user.value));
    out.integer(units);
  }
}

SaleProduct decode_product(ByteReader& in) {
  SaleProduct product;
  product.id.value = static_cast<std::int64_t>(in.fixed64());
  product.terms = decode_terms(in);
  product.stock.capacity = in.integer();
  product.stock.remaining = in.integer();
  product.stock.next_ticket = in.integer();
  const std::size_t buyers = in.count(9);
  product.buyers.reserve(buyers);
  for (std::size_t i = 0; i < buyers; ++i) {
    const UserId user{static_cast<std::int64_t>(in.fixed64())};
    product.buyers.emplace(user, static_cast<std::int32_t>(in.integer()));
  }
  return product;
}

}  // namespace

std::string encode_snapshot(const SaleState& state, Position position) {
  std::string bytes;
  ByteWriter out(bytes);
  out.byte(version);
  out.integer(position);
  out.integer(state.grace_until.time_since_epoch().count());
  out.integer(state.epoch);
  out.integer(state.oversell_prevented);
  out.unsigned_integer(state.products.size());
  for (const auto& entry : state.products) encode_product(out, entry.second);
  out.unsigned_integer(state.orders.size());
  for (const auto& entry : state.orders) encode_order(out, *entry.second);
  out.unsigned_integer(state.keys.size());
  for (const auto& [key, binding] : state.keys) {
    out.fixed64(key.hi);
    out.fixed64(key.lo);
    out.fixed64(static_cast<std::uint64_t>(binding.order.value));
    out.fixed64(binding.body_fingerprint);
  }
  out.fixed64(checksum(bytes));
  return bytes;
}

Result<DecodedSnapshot> decode_snapshot(std::string_view bytes) {
  if (bytes.size() < checksum_bytes + 1) return fail(Code::internal, "the snapshot is cut off");
  const std::string_view body = bytes.substr(0, bytes.size() - checksum_bytes);
  ByteReader stored(bytes.substr(body.size()));
  if (stored.fixed64() != checksum(body)) return fail(Code::internal, "the snapshot's checksum is wrong");
  ByteReader in(body);
  if (in.byte() != version)
    return fail(Code::internal, "the snapshot has a version this program does not know");
  DecodedSnapshot snapshot;
  SaleState& state = snapshot.state;
  snapshot.position = in.integer();
  state.grace_until = Instant(Millis(in.integer()));
  state.epoch = in.integer();
  state.oversell_prevented = in.integer();
  const std::size_t products = in.count(20);
  state.products.reserve(products);
  for (std::size_t i = 0; i < products; ++i) {
    SaleProduct product = decode_product(in);
    state.products.emplace(product.id, std::move(product));
  }
  const std::size_t orders = in.count(30);
  state.orders.reserve(orders);
  for (std::size_t i = 0; i < orders; ++i) {
    auto order = std::make_shared<const Order>(decode_order(in));
    state.orders.emplace(order->id, order);
  }
  const std::size_t keys = in.count(32);
  state.keys.reserve(keys);
  for (std::size_t i = 0; i < keys; ++i) {
    RequestKey key;
    key.hi = in.fixed64();
    key.lo = in.fixed64();
    KeyBinding binding;
    binding.order.value = static_cast<std::int64_t>(in.fixed64());
    binding.body_fingerprint = in.fixed64();
    state.keys.emplace(key, binding);
  }
  if (in.broken() || !in.at_end()) return fail(Code::internal, "the snapshot does not end where it should");
  return snapshot;
}

}  // namespace market::wire
