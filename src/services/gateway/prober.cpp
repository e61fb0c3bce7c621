#include "services/gateway/prober.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "base/steady_time.hpp"
#include "base/task_group.hpp"
#include "base/task_outlive.hpp"
#include "http/client/name_resolver.hpp"
#include "http/client/out_of_files.hpp"
#include "http/message/host_address.hpp"

namespace market::gateway {
namespace {

constexpr std::chrono::milliseconds look_every{100};
constexpr std::chrono::milliseconds probe_time_max{1'000};
constexpr std::size_t probe_answer_bytes_max = 4096;

}  // namespace

struct Prober::Shared {
  Shared(Balancer& balancer, const asio::any_io_executor& executor)
      : balancer(balancer), executor(executor), timer(executor) {}
  Balancer& balancer;
  asio::any_io_executor executor;
  asio::steady_timer timer;
  std::set<BackendPtr> under_way;
  TaskGroup tasks{"a probe"};
  bool stopped = false;
};

Prober::Prober(Balancer& balancer, asio::any_io_executor executor)
    : shared_(std::make_shared<Shared>(balancer, executor)) {}

Prober::~Prober() {
  shared_->stopped = true;
  shared_->timer.cancel();
}

void Prober::start() {
  shared_->tasks.spawn(shared_->executor, watch(shared_));
}

asio::awaitable<void> Prober::watch(std::shared_ptr<Shared> shared) {
  while (!shared->stopped) {
    for (const auto& instance : shared->balancer.all()) {
      if (!instance->probe_is_due(steady_ms()) || !shared->under_way.insert(instance).second) continue;
      shared->tasks.spawn(shared->executor, probe(shared, instance));
    }
    boost::system::error_code ignored;
    shared->timer.expires_after(look_every);
    co_await shared->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<void> Prober::probe(std::shared_ptr<Shared> shared, BackendPtr instance) {
  std::optional<bool> otherwise(false);
  const auto alive = co_await outlive("a probe", otherwise, is_alive(shared, instance));
  shared->under_way.erase(instance);
  if (alive && !shared->stopped) instance->probed(*alive, shared->balancer.limits(), steady_ms());
}

/// Any answer below 500 shows that somebody works there: another's service may have no health path.
asio::awaitable<std::optional<bool>> Prober::is_alive(std::shared_ptr<Shared> shared, BackendPtr instance) {
  const auto socket = std::make_shared<asio::ip::tcp::socket>(shared->executor);
  auto& resolver = http::NameResolver::shared();
  const std::string port = std::to_string(instance->port);
  auto found = co_await resolver.resolve(instance->host, port, probe_time_max);
  if (found.error && !instance->address.empty())
    found = co_await resolver.resolve(instance->address, port, probe_time_max);
  boost::system::error_code error = found.error;
  asio::steady_timer deadline(shared->executor, probe_time_max);
  deadline.async_wait([socket](boost::system::error_code cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) socket->close(ignored);
  });
  std::vector<asio::ip::tcp::endpoint> usable;
  for (const auto& one : found.endpoints)
    if (!instance->allowed || instance->allowed->refusal(one.address()).empty()) usable.push_back(one);
  boost::system::error_code no_literal;
  const auto literal = asio::ip::make_address(instance->address, no_literal);
  if (!usable.empty() && !no_literal && (!instance->allowed || instance->allowed->refusal(literal).empty()))
    usable.emplace_back(literal, instance->port);  // Requests, too, try it last.
  if (!error && usable.empty()) error = asio::error::host_not_found;
  if (!error) {  // async_connect() says "aborted", whatever kept it from a socket.
    boost::system::error_code no_socket;
    socket->open(usable.front().protocol(), no_socket);
    if (http::is_out_of_files(no_socket)) error = no_socket;
  }
  if (!error) co_await asio::async_connect(*socket, usable, asio::redirect_error(asio::use_awaitable, error));
  if (!error) {
    const std::string request = "GET " + instance->health_path +
                                " HTTP/1.1\r\nHost: " + http::host_in_url(instance->host) + ":" + port +
                                "\r\nConnection: close\r\n\r\n";
    co_await asio::async_write(*socket, asio::buffer(request),
                               asio::redirect_error(asio::use_awaitable, error));
  }
  std::string answer;
  std::optional<bool> alive(false);
  if (!error) {
    co_await asio::async_read_until(*socket, asio::dynamic_buffer(answer, probe_answer_bytes_max), "\r\n",
                                    asio::redirect_error(asio::use_awaitable, error));
    alive =
        !error && answer.starts_with("HTTP/1.") && answer.size() > 9 && answer[9] >= '2' && answer[9] < '5';
  }
  deadline.cancel();
  if (http::is_out_of_files(error)) alive.reset();  // It is asked again soon.
  co_return alive;
}

}  // namespace market::gateway
