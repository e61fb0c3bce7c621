#include "http/client/upstream.hpp"

#include <arpa/inet.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "http/client/name_resolver.hpp"
#include "http/client/out_of_files.hpp"

namespace market::http {
namespace {

constexpr std::int64_t fast_answer_ns = 2'000'000;   ///< Faster ones may stand in line behind each other.
constexpr std::int64_t slow_answer_ns = 20'000'000;  ///< Slower ones need no second look.
constexpr std::int64_t share_again_ms = 5'000;
constexpr std::int64_t lately_ms = 500;  ///< So soon after an answer hardly any server closes.
constexpr std::size_t depth_wanted = 16;
constexpr std::size_t thread_connections_min = 16;  ///< With more threads than 32, of each.
constexpr std::size_t spread_min = 4;               ///< So that all threads of the instance have work.
constexpr std::size_t addresses_max = 8;            ///< Of one name.

/// Of a literal IPv4 or IPv6 address; names need the resolver.
std::optional<UpstreamAddress> parse_address(const std::string& host, std::uint16_t port) {
  UpstreamAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.socket);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.socket);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
    return address;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  address.size = sizeof v6;
  return address;
}

bool is_same(const UpstreamAddress& one, const UpstreamAddress& other) {
  return one.size == other.size && std::memcmp(&one.socket, &other.socket, one.size) == 0;
}

void complete(Call& call, Outcome outcome) {
  call.outcome = outcome;
  CallWaiter waiter = std::move(*call.waiter);
  call.waiter.reset();
  std::move(waiter)();
}

template <class List>
void take_out(List& list, const UpstreamConnection* connection) {
  std::erase_if(list, [connection](const auto& entry) { return &*entry == connection; });
}

}  // namespace

Upstream::Upstream(IoThread& thread, std::string host, std::uint16_t port, const UpstreamLimits& limits,
                   const AllowedAddresses* allowed, std::string address)
    : thread_(thread),
      host_(std::move(host)),
      fallback_address_(std::move(address)),
      port_(port),
      limits_(limits),
      allowed_(allowed) {}

Upstream::~Upstream() {
  *alive_ = false;
  for (const auto& connection : connections_) connection->forget_calls();
  for (Call* call : std::exchange(waiting_, {})) {
    const CallWaiter dropped = std::move(*call->waiter);  // Ends the frame that holds the call.
  }
}

void Upstream::start(Call& call) {
  refused_ = no_socket_ = false;
  if (waiting_.empty())
    if (auto* connection = connection_for(call)) return send(*connection, call);
  const bool may_wait = !refused_ && (resolving_ || !connections_.empty() || !waiting_.empty());
  if (!may_wait || waiting_.size() >= limits_.waiting_max) {
    const auto outcome = may_wait || no_socket_ ? Outcome::overloaded : Outcome::not_connected;
    // Completed from the loop: its coroutine is only about to wait.
    asio::post(thread_.io(), [&call, outcome] { complete(call, outcome); });
    return;
  }
  waiting_.push_back(&call);
}

void Upstream::send(UpstreamConnection& connection, Call& call) {
  connection.send(call);
  if (call.lane == Lane::alone || connection.is_listed) return;
  connection.is_listed = true;
  of(call.lane).connections.push_back(&connection);
}

UpstreamConnection* Upstream::connection_for(const Call& call) {
  // Whoever works on one request after the other, or may do so, gets one at a time on a connection.
  if (call.lane == Lane::alone || !concurrent_) return idle_or_new(call);
  auto& lane = of(call.lane);
  // Those that are worked on together wait for the same commit: one behind the other or not.
  const bool fast = call.lane == Lane::keyed || (lane.answer_ns > 0 && lane.answer_ns < fast_answer_ns);
  if (!fast) return idle_or_new(call);
  if (lane.connections.size() >= spread_min)
    if (auto* shared = sharing(lane, depth_wanted)) return shared;
  if (auto* own = idle_or_new(call)) return own;
  return sharing(lane, limits_.depth_max);
}

UpstreamConnection* Upstream::idle_or_new(const Call& call) {
  if (auto* free = idle(call)) return free;
  if (auto* fresh = open()) return fresh;
  if (idle_.empty() || refused_ || resolving_) return nullptr;
  // All there may be are open, and none is fresh enough: one of them makes room.
  const auto oldest = idle_.front();
  oldest->close_idle();
  return open();
}

UpstreamConnection* Upstream::sharing(Sharing& lane, std::size_t depth_below) {
  for (std::size_t i = 0; i < lane.connections.size(); ++i) {
    auto* const connection = lane.connections[lane.next++ % lane.connections.size()];
    if (connection->is_usable() && connection->depth() < depth_below) return connection;
  }
  return nullptr;
}

bool Upstream::fits(std::string_view asked, std::string_view answered, bool alone) {
  const bool same = asked == answered;
  if (ids_ == Ids::unknown && !answered.empty()) ids_ = same ? Ids::repeated : Ids::its_own;
  return same || ids_ != Ids::repeated || (answered.empty() && alone);
}

void Upstream::on_answer(Lane lane, std::int64_t nanoseconds, std::int64_t now_ns) {
  if (lane == Lane::alone) return;
  auto& mean = of(lane).answer_ns;
  mean = mean == 0 ? std::max<std::int64_t>(nanoseconds, 1) : mean + (nanoseconds - mean) / 16;
  of(lane).answered_at_ns = now_ns;
}

bool Upstream::has_answered_since(Lane lane, std::int64_t since_ns) const {
  return lane != Lane::alone && sharing_[static_cast<std::size_t>(lane)].answered_at_ns > since_ns;
}

void Upstream::on_stalled(Lane lane) {
  of(lane).answer_ns = std::max(of(lane).answer_ns, slow_answer_ns);
}

void Upstream::set_apart(UpstreamConnection& connection) {
  if (std::exchange(connection.is_apart, true)) return;
  ++apart_;
  if (!waiting_.empty()) start_waiting_soon();
}

void Upstream::take_back(UpstreamConnection& connection) {
  if (std::exchange(connection.is_apart, false)) --apart_;
}

UpstreamConnection* Upstream::idle(const Call& call) {
  if (call.fresh) return nullptr;
  const bool alone = call.lane == Lane::alone;
  const auto pause_max = alone ? std::min(call.idle_time.count(), lately_ms) : call.idle_time.count();
  while (!idle_.empty()) {
    auto* const connection = idle_.back();  // The warmest; the others grow old and go.
    if (!connection->is_fresh(thread_.now_ms(), pause_max)) return nullptr;
    // What cannot be sent twice must not meet the other side's close.
    if (!alone || connection->is_alive()) {
      idle_.pop_back();
      return connection;
    }
    connection->close_idle();
  }
  return nullptr;
}

UpstreamConnection* Upstream::open() {
  if (connections_.size() - apart_ >= limits_.connections_max) return nullptr;
  if (addresses_.empty())
    if (const auto literal = parse_address(host_, port_)) addresses_.push_back(*literal);
  if (addresses_.empty()) {
    resolve();
    return nullptr;
  }
  while (!addresses_.empty()) {
    auto connection = std::make_shared<UpstreamConnection>(thread_, *this, turn_);
    const auto begun = connection->connect(addresses_.front());
    no_socket_ = begun == UpstreamConnection::Begun::no_socket;
    if (no_socket_) return nullptr;
    if (begun == UpstreamConnection::Begun::yes) {
      connections_.push_back(connection);
      return connection.get();
    }
    next_address();
  }
  refused_ = true;
  return nullptr;
}

void Upstream::next_address() {
  addresses_.erase(addresses_.begin());
  ++turn_;
}

bool Upstream::on_connect_failed(std::uint32_t turn) {
  if (turn == turn_ && !addresses_.empty()) next_address();
  return !addresses_.empty();
}

void Upstream::resolve() {
  if (resolving_) return;
  resolving_ = true;
  NameResolver::shared().resolve(
      thread_.io().get_executor(), host_, std::to_string(port_), limits_.connect_time_max,
      [this, alive = alive_](const NameResolver::Answer& answer) {
        if (!*alive) return;
        resolving_ = false;
        addresses_.clear();
        for (const auto& one : answer.endpoints) {
          if (addresses_.size() >= addresses_max) break;
          if (allowed_ && !allowed_->refusal(one.address()).empty()) continue;
          auto& address = addresses_.emplace_back();
          address.size = static_cast<socklen_t>(one.size());
          std::memcpy(&address.socket, one.data(), one.size());
        }
        if (!answer.error && addresses_.empty()) {
          spdlog::warn("{} {}", host_, allowed_->refusal(answer.endpoints.front().address()));
          return fail_waiting(Outcome::not_connected);
        }
        add_fallback_address();
        if (!addresses_.empty()) return start_waiting();
        spdlog::warn("cannot resolve {}: {}", host_, answer.error.message());
        fail_waiting(is_out_of_files(answer.error) ? Outcome::overloaded : Outcome::not_connected);
      });
}

void Upstream::add_fallback_address() {
  const auto literal = parse_address(fallback_address_, port_);
  if (!literal || (allowed_ && !allowed_->refusal(std::string_view(fallback_address_)).empty())) return;
  const auto same = [&literal](const UpstreamAddress& other) { return is_same(*literal, other); };
  if (std::none_of(addresses_.begin(), addresses_.end(), same)) addresses_.push_back(*literal);
}

void Upstream::fail_waiting(Outcome outcome) {
  for (Call* call : std::exchange(waiting_, {})) complete(*call, outcome);
}

void Upstream::start_waiting() {
  if (starting_) return;
  starting_ = true;
  while (!waiting_.empty()) {
    Call& call = *waiting_.front();
    auto* const connection = connection_for(call);
    if (!connection) break;
    waiting_.pop_front();
    send(*connection, call);
  }
  starting_ = false;
  if (connections_.empty() && !resolving_)
    fail_waiting(no_socket_ ? Outcome::overloaded : Outcome::not_connected);
}

void Upstream::start_waiting_soon() {
  asio::post(thread_.io(), [this, alive = alive_] {
    if (*alive) start_waiting();
  });
}

void Upstream::on_idle(UpstreamConnection& connection) {
  for (auto& lane : sharing_) take_out(lane.connections, &connection);
  connection.is_listed = false;
  take_back(connection);
  if (connections_.size() - apart_ > limits_.connections_max) return connection.close_idle();
  idle_.push_back(&connection);
  if (!waiting_.empty()) start_waiting();
}

void Upstream::on_closed(UpstreamConnection& connection) {
  for (auto& lane : sharing_) take_out(lane.connections, &connection);
  take_out(idle_, &connection);
  take_back(connection);
  // It may be on the stack below us: it goes when the loop comes round.
  for (auto& entry : connections_) {
    if (entry.get() != &connection) continue;
    asio::post(thread_.io(), [keep = std::move(entry)] {});
    entry = std::move(connections_.back());
    connections_.pop_back();
    break;
  }
  if (!waiting_.empty()) start_waiting_soon();
}

void Upstream::tick(std::int64_t now_ms) {
  const auto connections = connections_;  // A closing one takes itself out.
  for (const auto& connection : connections) {
    if (connection->depth() == 0 && connection->is_usable() && connection->is_old(now_ms))
      connection->close_idle();
    else
      connection->tick(now_ms, limits_.connect_time_max.count());
  }
  // Alone on many connections, an answer waits for all the others: only standing in line shows how long one
  // takes by itself. So that is tried again now and then.
  if (now_ms >= share_again_ms_) {
    share_again_ms_ = now_ms + share_again_ms;
    for (auto& lane : sharing_)
      if (lane.answer_ns >= fast_answer_ns && lane.answer_ns < slow_answer_ns)
        lane.answer_ns = fast_answer_ns - 1;
  }
  std::vector<Call*> late;
  std::erase_if(waiting_, [&](Call* call) {
    if (call->deadline_ms > now_ms) return false;
    late.push_back(call);
    return true;
  });
  for (Call* call : late) complete(*call, Outcome::overloaded);
}

Upstream& Upstreams::at(const std::string& host, std::uint16_t port, const AllowedAddresses* allowed,
                        const std::string& address) {
  auto& upstream = upstreams_[{host, port, allowed, address}];
  if (!upstream) upstream = std::make_unique<Upstream>(thread_, host, port, limits_, allowed, address);
  return *upstream;
}

void Upstreams::tick(std::int64_t now_ms) {
  for (auto entry = upstreams_.begin(); entry != upstreams_.end();) {
    entry->second->tick(now_ms);
    // Nobody keeps a reference beyond a call, and a call keeps it in use.
    entry = entry->second->is_unused() ? upstreams_.erase(entry) : std::next(entry);
  }
}

std::size_t Upstreams::connection_count() const {
  std::size_t count = 0;
  for (const auto& [address, upstream] : upstreams_) count += upstream->connection_count();
  return count;
}

UpstreamLimits limits_for(std::size_t threads) {
  UpstreamLimits limits;
  limits.connections_max =
      std::clamp<std::size_t>(instance_connections_max / std::max<std::size_t>(threads, 1),
                              thread_connections_min, limits.connections_max);
  return limits;
}

Upstreams& upstreams_of(IoThread& thread) {
  if (!thread.part)
    thread.part = std::make_unique<Upstreams>(thread, limits_for(thread.shared().threads.size()));
  return static_cast<Upstreams&>(*thread.part);
}

}  // namespace market::http
