#include "http/server/io_thread.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>

#include "base/memory.hpp"
#include "base/prefetch.hpp"
#include "base/steady_time.hpp"
#include "http/server/connection.hpp"
#include "http/server/tls.hpp"

namespace market::http {
namespace {

thread_local IoThread* current_thread = nullptr;

/// Of many connections that take turns, the next one's state is in no cache: so much of it is fetched while
/// this one works.
constexpr std::size_t prefetched_bytes = 512;

constexpr std::uint64_t name_of(std::uint32_t place, std::uint32_t generation) {
  return (static_cast<std::uint64_t>(generation) << 32) | place;
}

}  // namespace

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

void limit_unsent(int socket, std::chrono::milliseconds longest) {
  const auto ms = static_cast<unsigned>(longest.count());
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

void drop_unsent(int socket) {
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::size_t PeerCounts::Hash::operator()(const std::array<unsigned char, 16>& bucket) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bucket.data()), bucket.size()});
}

bool PeerCounts::take(const Peer& peer, std::size_t max, std::size_t amount) {
  if (max == 0) return true;
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(peer.bucket);
  const std::size_t now = found == counts_.end() ? 0 : found->second;
  if (now + amount > max) return false;
  if (found == counts_.end())
    counts_.emplace(peer.bucket, amount);
  else
    found->second += amount;
  return true;
}

void PeerCounts::give_back(const Peer& peer, std::size_t amount) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(peer.bucket);
  if (found == counts_.end()) return;
  found->second -= std::min(found->second, amount);
  if (found->second == 0) counts_.erase(found);
}

bool ServerShared::take_unfinished(const Peer& peer, std::size_t bytes) {
  if (unfinished.fetch_add(bytes) + bytes > limits.unfinished_bytes_max) {
    unfinished.fetch_sub(bytes);
    return false;
  }
  if (!peer.capped || unfinished_of_peers.take(peer, limits.unfinished_bytes_per_address_max, bytes))
    return true;
  unfinished.fetch_sub(bytes);
  return false;
}

void ServerShared::give_back_unfinished(const Peer& peer, std::size_t bytes) {
  unfinished.fetch_sub(bytes);
  if (peer.capped) unfinished_of_peers.give_back(peer, bytes);
}

std::vector<RouteTotals> ServerShared::totals() const {
  std::vector<RouteTotals> totals(router.route_names().size());
  for (const auto& thread : threads) thread->add_counts(totals);
  return totals;
}

void ServerShared::stop_all() {
  for (const auto& thread : threads) thread->io().stop();
}

bool ServerShared::take_stream(const Peer& peer) {
  const bool room = streams.fetch_add(1) < limits.streams_max || limits.streams_max == 0;
  if (!room || (peer.capped && !streams_of_peers.take(peer, limits.streams_per_address_max))) {
    streams.fetch_sub(1);
    return false;
  }
  if (limits.connections_per_address_max > 0 && peer.capped) peers.give_back(peer);
  return true;
}

void ServerShared::connection_closed(const Peer& peer, bool stream) {
  const bool counted = limits.connections_per_address_max > 0 && peer.capped;
  if (stream) {
    streams.fetch_sub(1);
    if (limits.streams_per_address_max > 0 && peer.capped) streams_of_peers.give_back(peer);
  }
  if (peer.tls) {  // Its bridge is still there: an ordinary connection again, until that ends.
    if (stream && counted) peers.take(peer, std::numeric_limits<std::size_t>::max());
    return;
  }
  if (!stream && counted) peers.give_back(peer);
  if (open.fetch_sub(1) == 1 && draining.load()) stop_all();
}

IoThread::IoThread(ServerShared& shared) : shared_(shared), io_(std::make_unique<asio::io_context>(1)) {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0)
    throw std::runtime_error(fmt::format("cannot make an epoll set: {}", std::strerror(errno)));
  epoll_ready_ = std::make_unique<asio::posix::stream_descriptor>(*io_, epoll_fd_);
  ticker_ = std::make_unique<asio::steady_timer>(*io_);
  now_ms_ = steady_ms();
  standard.set_time(shared_.clock.now());
  for (std::size_t i = 0; i < shared_.router.route_names().size(); ++i)
    counters_.push_back(std::make_unique<Counters>());
  wait_for_sockets();
  schedule_tick();
}

IoThread::~IoThread() {
  part.reset();
  ticker_.reset();
  epoll_ready_.reset();
  io_.reset();  // Sessions still under way end here, while the rest of this object stands.
}

void IoThread::run() {
  const auto work = asio::make_work_guard(*io_);
  current_thread = this;
  io_->run();
  current_thread = nullptr;
}

IoThread* IoThread::current() {
  return current_thread;
}

void IoThread::wait_for_sockets() {
  epoll_ready_->async_wait(asio::posix::stream_descriptor::wait_read,
                           [this](boost::system::error_code error) {
                             if (error) return;
                             serve_ready_sockets();
                             wait_for_sockets();
                           });
}

void IoThread::serve_ready_sockets() {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), 0);
  const std::span ready(events.data(), static_cast<std::size_t>(std::max(count, 0)));
  const auto place_of = [](const epoll_event& event) { return static_cast<std::uint32_t>(event.data.u64); };
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const auto& event = ready[i];
    const auto place = place_of(event);
    if (i + 1 < ready.size()) prefetch_bytes(places_[place_of(ready[i + 1])].watched, prefetched_bytes);
    // An earlier event of this round may have ended the session, even put another in its place.
    if (name_of(place, places_[place].generation) != event.data.u64 || !places_[place].watched) continue;
    places_[place].watched->on_event(event.events);
  }
}

void IoThread::schedule_tick() {
  ticker_->expires_after(std::chrono::milliseconds(tick_ms));
  ticker_->async_wait([this](boost::system::error_code error) {
    if (error) return;
    tick();
    schedule_tick();
  });
}

void IoThread::tick() {
  now_ms_ = steady_ms();
  standard.set_time(shared_.clock.now());
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (auto* watched = places_[i].watched; watched && watched->deadline_ms() <= now_ms_)
      watched->on_deadline();
  if (part) part->tick(now_ms_);
  give_memory_back();
  if (drain_end_ms_ == 0 || now_ms_ < drain_end_ms_) return;
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (auto* watched = places_[i].watched) watched->abandon();
  if (now_ms_ >= drain_end_ms_ + 2 * tick_ms) shared_.stop_all();  // A handler is stuck.
}

/// After a flood of connections the allocator would keep their memory for ever.
void IoThread::give_memory_back() {
  constexpr std::size_t flood = 500;
  const std::size_t open = places_.size() - free_places_.size();
  open_peak_ = std::max(open_peak_, open);
  if (open_peak_ < flood || open > open_peak_ / 4) return;
  open_peak_ = open;
  return_free_memory();
}

void IoThread::start_session(OwnedFd fd, const Peer& peer) {
  if (auto tls = shared_.tls.load())
    start_tls(*this, std::move(fd), peer, std::move(tls));
  else
    Connection::start(*this, std::move(fd), peer);
}

std::uint32_t IoThread::add(Watched& watched, int fd) {
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const auto place = free_places_.back();
  free_places_.pop_back();
  places_[place].watched = &watched;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;  // Once for all: no epoll_ctl per request.
  event.data.u64 = name_of(place, places_[place].generation);
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  return place;
}

void IoThread::remove(std::uint32_t place) {
  places_[place].watched = nullptr;
  ++places_[place].generation;
  free_places_.push_back(place);
}

void IoThread::release(std::uint32_t place, int fd) {
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  remove(place);
}

void IoThread::flush_soon(std::uint32_t place) {
  if (to_flush_.empty()) asio::post(*io_, [this] { flush_pending(); });
  to_flush_.push_back(name_of(place, places_[place].generation));
}

void IoThread::flush_pending() {
  for (const auto name : std::exchange(to_flush_, {})) {
    const auto place = static_cast<std::uint32_t>(name);
    if (places_[place].watched && name_of(place, places_[place].generation) == name)
      places_[place].watched->flush_held_back();
  }
}

void IoThread::drain() {
  now_ms_ = steady_ms();
  drain_end_ms_ = now_ms_ + shared_.limits.drain_time_max.count();
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (auto* watched = places_[i].watched) watched->on_drain();
}

const std::vector<Network>& IoThread::trusted_proxies() {
  const auto version = shared_.trusted_version.load(std::memory_order_acquire);
  if (version != trusted_version_) {
    trusted_ = shared_.trusted.load();
    trusted_version_ = version;
  }
  return *trusted_;
}

void IoThread::count(std::size_t route, Status status, std::int64_t took_ns) {
  if (route >= counters_.size()) route = 0;
  // Written by this thread alone: no read-modify-write is needed.
  const auto add = [](Counter& counter, std::uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  };
  Counters& counters = *counters_[route];
  add(counters.by_status[static_cast<std::size_t>(status) % RouteTotals::status_count], 1);
  if (took_ns < 0) return;
  std::size_t bucket = 0;
  while (bucket < std::size(time_buckets) && took_ns > time_buckets[bucket].count()) ++bucket;
  add(counters.by_time[bucket], 1);
  add(counters.time_ns, static_cast<std::uint64_t>(took_ns));
}

void IoThread::add_counts(std::vector<RouteTotals>& totals) const {
  const auto add = [](auto& sums, const auto& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) sums[i] += counts[i].load(std::memory_order_relaxed);
  };
  for (std::size_t route = 0; route < counters_.size() && route < totals.size(); ++route) {
    add(totals[route].by_status, counters_[route]->by_status);
    add(totals[route].by_time, counters_[route]->by_time);
    totals[route].time_ns += counters_[route]->time_ns.load(std::memory_order_relaxed);
  }
}

}  // namespace market::http
