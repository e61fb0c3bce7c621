#include "sale/gate_recovery.hpp"

#include <spdlog/spdlog.h>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstring>

#include "wire/events/snapshot_codec.hpp"

namespace market::sale {
namespace {

/// A snapshot is a length, the key filter's bytes of that length, and the state's bytes.
constexpr std::size_t length_bytes = sizeof(std::uint64_t);

Result<Recovered> decode_gate_snapshot(std::string_view bytes, KeyFilter& keys) {
  std::uint64_t filter_bytes = 0;
  if (bytes.size() < length_bytes) return fail(Code::internal, "the gate's snapshot is too short");
  std::memcpy(&filter_bytes, bytes.data(), length_bytes);
  bytes.remove_prefix(length_bytes);
  if (filter_bytes > bytes.size()) return fail(Code::internal, "the gate's snapshot is cut off");
  auto snapshot = wire::decode_snapshot(bytes.substr(filter_bytes));
  if (!snapshot) return fail(snapshot.error());
  const auto merged = keys.merge(bytes.substr(0, filter_bytes));
  if (!merged) return fail(merged.error());
  Recovered recovered;
  recovered.state = std::move(snapshot->state);
  recovered.position = recovered.snapshot_at = snapshot->position;
  return recovered;
}

/// The newest snapshot that the log still reaches, or nothing. A snapshot is only a short cut: without a
/// usable one the whole log is folded.
Recovered starting_point(const RecoverFrom& from, KeyFilter& keys) {
  const auto bytes = from.snapshots.load();
  if (!bytes || !*bytes) return {};
  auto recovered = decode_gate_snapshot(**bytes, keys);
  if (!recovered) {
    spdlog::warn("the gate's snapshot is not usable, folding the log instead: {}", recovered.error().detail);
    return {};
  }
  if (recovered->position > from.until || recovered->position > from.records_at) {
    spdlog::warn("the gate's snapshot is ahead of the log or the records, folding the log instead");
    return {};
  }
  return std::move(*recovered);
}

/// Closed orders that the records have are not held while the log is folded. Such an order may have been
/// opened again before the records' end: its money was owed back. Collects those still owed.
void note_reopened(boost::unordered_flat_set<OrderId>& reopened, OrderId about, const Event& event) {
  const auto* moved = std::get_if<OrderMoved>(&event.fact);
  if (std::holds_alternative<OrderCancelled>(event.fact) || std::holds_alternative<RefundOwed>(event.fact) ||
      (moved && moved->state == OrderState::returned))
    reopened.insert(about);
  else if (std::holds_alternative<Refunded>(event.fact))
    reopened.erase(about);
}

/// The records know them exactly: they end behind the event that opened them again. Errors: unavailable.
Result<> admit_reopened(const RecoverFrom& from, Recovered& recovered,
                        const boost::unordered_flat_set<OrderId>& reopened) {
  for (const OrderId id : reopened) {
    if (recovered.state.orders.contains(id)) continue;  // A newer event has brought it in.
    const auto recorded = from.records.load(id);
    if (!recorded) return fail(recorded.error());
    if (*recorded && (*recorded)->has_open_work()) recovered.state.orders.emplace(id, *recorded);
  }
  return {};
}

/// One event of the tail. Errors: unavailable.
Result<> replay(const RecoverFrom& from, Recovered& recovered, KeyFilter& keys,
                boost::unordered_flat_set<OrderId>& reopened, Position at, const Event& event) {
  SaleState& state = recovered.state;
  const OrderId about = order_of(event);
  const auto* accepted = std::get_if<OrderAccepted>(&event.fact);
  const bool records_have_it = at <= from.records_at;
  if (about && !accepted && !records_have_it && !state.orders.contains(about)) {
    const auto recorded = from.records.load(about);  // Exact: the records end before this event.
    if (!recorded) return fail(recorded.error());
    if (*recorded) state.orders.emplace(about, *recorded);
  }
  if (about && !accepted && records_have_it && !state.orders.contains(about))
    note_reopened(reopened, about, event);
  const OrderPtr order = apply(state, event);
  if (accepted && accepted->order.key) keys.add(accepted->order.key, event.at);
  if (order && !records_have_it) recovered.newer_than_records.push_back(ChangedOrder{order, at});
  if (records_have_it) {  // Then the records and the key filter answer for what needs no timer any more.
    if (order && !order->has_open_work()) state.orders.erase(order->id);
    if (accepted) state.keys.erase(accepted->order.key);
  }
  recovered.position = at;
  recovered.last_event_at = event.at;
  return {};
}

}  // namespace

OrderId order_of(const Event& event) {
  return std::visit(
      [](const auto& fact) {
        if constexpr (requires { fact.order.id; })
          return fact.order.id;
        else if constexpr (requires { fact.order; })
          return fact.order;
        else
          return OrderId{};
      },
      event.fact);
}

Result<Recovered> recover(const RecoverFrom& from, KeyFilter& keys) {
  Recovered recovered = starting_point(from, keys);
  const auto begin = from.log.begin();
  if (!begin) return fail(begin.error());
  if (recovered.position < *begin)
    return fail(Code::internal, "the log was trimmed and there is no usable snapshot: restore a backup");
  Result<> replayed;
  boost::unordered_flat_set<OrderId> reopened;
  const auto read = from.log.read(recovered.position, [&](Position at, const Event& event) {
    if (at > from.until) return false;
    replayed = replay(from, recovered, keys, reopened, at, event);
    return replayed.has_value();
  });
  if (!read) return fail(read.error());
  if (!replayed) return fail(replayed.error());
  const auto admitted = admit_reopened(from, recovered, reopened);
  if (!admitted) return fail(admitted.error());
  return recovered;
}

std::string encode_gate_snapshot(const Recovered& recovered, const KeyFilter& keys) {
  const std::string filter = keys.encode();
  const std::uint64_t filter_bytes = filter.size();
  std::string bytes(length_bytes, '\0');
  std::memcpy(bytes.data(), &filter_bytes, length_bytes);
  bytes += filter;
  bytes += wire::encode_snapshot(recovered.state, recovered.position);
  return bytes;
}

Result<> make_snapshot(EventLog& log, SnapshotStore& snapshots, OrderFold& records, Position records_at) {
  KeyFilter keys;
  const auto recovered = recover(RecoverFrom{log, snapshots, records, records_at, records_at}, keys);
  if (!recovered) return fail(recovered.error());
  return snapshots.store(encode_gate_snapshot(*recovered, keys));
}

}  // namespace market::sale
