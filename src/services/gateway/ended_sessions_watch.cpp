#include "services/gateway/ended_sessions_watch.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <chrono>
#include <vector>

#include "base/random.hpp"
#include "base/steady_time.hpp"
#include "base/task_group.hpp"
#include "base/task_outlive.hpp"
#include "http/client/upstream.hpp"
#include "http/message/host_address.hpp"
#include "services/auth/ended_sessions.hpp"

namespace market::gateway {
namespace {

constexpr std::chrono::milliseconds look_every{300};
/// Clocks may differ, and a change may have taken a while to be committed.
constexpr std::int64_t lately_ms = 30'000;
constexpr std::int64_t ask_ms_max = 400;
constexpr std::size_t instances_asked_max = 3;
constexpr std::size_t list_bytes_max = 16 * 1024 * 1024;  ///< Some 250,000 sessions.
constexpr auto unknown_text = "no user instance tells which sessions have ended: tokens hold until their end";

}  // namespace

struct EndedSessionsWatch::Shared {
  Shared(Parts given, const asio::any_io_executor& on) : parts(std::move(given)), executor(on), timer(on) {}
  Parts parts;
  asio::any_io_executor executor;
  asio::steady_timer timer;
  TaskGroup tasks{"learning of ended sessions"};
  bool stopped = false;
  std::int64_t told_at_ms = 0;  ///< 0: never, or nobody needed to know meanwhile.
  std::atomic<bool> unknown{false};
};

EndedSessionsWatch::EndedSessionsWatch(Parts parts, asio::any_io_executor executor)
    : shared_(std::make_shared<Shared>(std::move(parts), executor)) {}

EndedSessionsWatch::~EndedSessionsWatch() {
  shared_->stopped = true;
  shared_->timer.cancel();
}

void EndedSessionsWatch::start() {
  shared_->tasks.spawn(shared_->executor, watch(shared_));
}

std::optional<std::string> EndedSessionsWatch::warning() const {
  if (!shared_->unknown.load()) return std::nullopt;
  return unknown_text;
}

asio::awaitable<void> EndedSessionsWatch::watch(std::shared_ptr<Shared> shared) {
  while (!shared->stopped) {
    std::string token = shared->parts.token();
    bool known = true;
    if (token.empty())
      shared->told_at_ms = 0;
    else
      known = co_await outlive("asking for ended sessions", false, look(shared, std::move(token)));
    if (shared->stopped) co_return;
    if (shared->unknown.exchange(!known) == known) {
      if (known)
        spdlog::info("it is known again which sessions have ended");
      else
        spdlog::warn(unknown_text);
    }
    shared->parts.denied.forget_ended(shared->parts.wall.now());
    boost::system::error_code ignored;
    shared->timer.expires_after(look_every);
    co_await shared->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<bool> EndedSessionsWatch::look(std::shared_ptr<Shared> shared, std::string token) {
  std::vector<BackendPtr> tried;
  while (tried.size() < instances_asked_max && !shared->stopped) {
    // Whoever tells is right: one that is ejected for some fault of its own may, where the others do not.
    auto instance = shared->parts.balancer.choose("market-user", tried, steady_ms(), random_number(),
                                                  Balancer::Want::anybody);
    if (!instance) break;
    const bool told = co_await ask(shared, token, instance);
    if (told) co_return true;
    tried.push_back(std::move(instance));
  }
  co_return false;
}

asio::awaitable<bool> EndedSessionsWatch::ask(std::shared_ptr<Shared> shared, std::string token,
                                              BackendPtr instance) {
  auto& thread = *http::IoThread::current();
  http::Call call;
  const std::string id = fmt::format("{:016x}", random_number());
  const std::int64_t asked_at_ms = steady_ms();
  // What happened while nobody answered counts too.
  const auto lately =
      shared->told_at_ms == 0 ? "" : fmt::format("?lately={}", lately_ms + asked_at_ms - shared->told_at_ms);
  call.head = fmt::format(
      "GET {}{} HTTP/1.1\r\nHost: {}:{}\r\nX-Request-Id: {}\r\nAuthorization: Bearer {}\r\n{}: yes\r\n\r\n",
      auth::ended_sessions_path, lately, http::host_in_url(instance->host), instance->port, id, token,
      auth::reads_role_times);
  call.request_id = id;
  call.deadline_ms = thread.now_ms() + ask_ms_max;
  auto& upstream =
      http::upstreams_of(thread).at(instance->host, instance->port, instance->allowed, instance->address);
  co_await upstream.exchange(call);
  const bool has_head = call.outcome == http::Outcome::answered || call.outcome == http::Outcome::streamed;
  if (!has_head || call.response->status != 200) co_return false;
  std::string list(call.response_body);
  while (call.stream) {
    const auto piece = co_await call.stream->next();
    if (!piece || list.size() + piece->size() > list_bytes_max) co_return false;
    if (piece->empty()) break;
    list += *piece;
  }
  const auto ended = auth::parse_ended_sessions(list);
  if (!ended) co_return false;
  auth::deny(*ended, shared->parts.denied, shared->parts.wall.now());
  shared->told_at_ms = asked_at_ms;
  co_return true;
}

}  // namespace market::gateway
