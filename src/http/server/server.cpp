#include "http/server/server.hpp"

#include <deque>
#include <map>
#include <thread>

#include "base/check.hpp"
#include "base/thread_name.hpp"
#include "http/server/acceptor.hpp"
#include "http/server/access_log.hpp"
#include "http/server/io_thread.hpp"

namespace market::http {

struct Server::State {
  State(const Router& router, const Clock& clock, const Limits& limits)
      : shared(router, clock, limits), acceptor(shared) {}

  ServerShared shared;
  Acceptor acceptor;
  std::deque<Acceptor> more;  ///< Of further sockets that systemd holds.

  void drain(bool keep_listening) {
    if (shared.draining.exchange(true)) return;
    acceptor.stop(keep_listening);
    for (Acceptor& each : more) each.stop(keep_listening);
    for (const auto& thread : shared.threads) asio::post(thread->io(), [&thread] { thread->drain(); });
    if (shared.open.load() == 0) shared.stop_all();
  }
};

Server::Server(const Router& router, const Clock& clock, Limits limits, unsigned threads)
    : state_(std::make_unique<State>(router, clock, limits)) {
  check(threads > 0, "a server has at least one thread");
  for (unsigned i = 0; i < threads; ++i)
    state_->shared.threads.push_back(std::make_unique<IoThread>(state_->shared));
}

Server::~Server() {
  for (Acceptor& each : state_->more) each.stop(true);
  state_->acceptor.stop(true);  // Its descriptors belong to the first thread's io_context.
  // Connections cut by the end of a drain go with their threads; the last one must find none to stop.
  const auto threads = std::move(state_->shared.threads);
}

void Server::listen(const std::string& host, std::uint16_t port) {
  state_->acceptor.listen(host, port);
}
void Server::adopt(int listening_fd) {
  if (state_->acceptor.fd() < 0)
    state_->acceptor.adopt(listening_fd);
  else
    state_->more.emplace_back(state_->shared).adopt(listening_fd);
}
std::vector<int> Server::listening_fds() const {
  std::vector<int> fds;
  if (state_->acceptor.fd() >= 0) fds.push_back(state_->acceptor.fd());
  for (const Acceptor& each : state_->more) fds.push_back(each.fd());
  return fds;
}
std::uint16_t Server::port() const {
  return state_->acceptor.port();
}

void Server::set_tls(std::shared_ptr<TlsContext> context) {
  state_->shared.tls.store(std::move(context));
}

void Server::set_trusted_proxies(std::vector<Network> networks) {
  state_->shared.trusted.store(std::make_shared<const std::vector<Network>>(std::move(networks)));
  state_->shared.trusted_version.fetch_add(1, std::memory_order_release);
}

void Server::set_amend(std::function<void(const Request&, Reply&)> amend) {
  state_->shared.amend = std::move(amend);
}

void Server::set_access_log(AccessLog& access_log) {
  if (access_log.is_on()) state_->shared.access_log = &access_log;
}

void Server::run() {
  auto& threads = state_->shared.threads;
  if (state_->acceptor.fd() >= 0) state_->acceptor.start();
  for (Acceptor& each : state_->more) each.start();
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads.size(); ++i)
    others.emplace_back([&threads, i] {
      name_thread("io");
      threads[i]->run();
    });
  threads.front()->run();
}

void Server::stop(bool keep_listening) {
  asio::post(state_->shared.threads.front()->io(),
             [state = state_.get(), keep_listening] { state->drain(keep_listening); });
}

std::vector<RouteCount> Server::route_counts() const {
  const auto& names = state_->shared.router.route_names();
  const auto totals = state_->shared.totals();
  std::vector<RouteCount> counts;
  for (std::size_t route = 0; route < names.size(); ++route)
    for (std::size_t status = 0; status < RouteTotals::status_count; ++status)
      if (const auto count = totals[route].by_status[status]; count > 0)
        counts.push_back({names[route], static_cast<int>(status), count});
  return counts;
}

std::vector<RouteTimes> Server::route_times() const {
  const auto& names = state_->shared.router.route_names();
  const auto totals = state_->shared.totals();
  std::vector<RouteTimes> times;
  for (std::size_t route = 0; route < names.size(); ++route) {
    RouteTimes one{names[route], {}, static_cast<double>(totals[route].time_ns) / 1e9};
    std::uint64_t sum = 0;
    for (const auto count : totals[route].by_time) one.at_most.push_back(sum += count);
    if (sum > 0) times.push_back(std::move(one));
  }
  return times;
}

std::uint64_t Server::unfinished_bytes() const {
  return state_->shared.unfinished.load();
}
std::uint64_t Server::open_connections() const {
  return state_->shared.open.load();
}
asio::any_io_executor Server::executor(unsigned index) const {
  return state_->shared.threads.at(index)->io().get_executor();
}
unsigned Server::threads() const {
  return static_cast<unsigned>(state_->shared.threads.size());
}

}  // namespace market::http
