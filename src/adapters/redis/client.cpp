#include "adapters/redis/client.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <boost/asio/redirect_error.hpp>

#include "base/check.hpp"
#include "base/text.hpp"
#include "base/thread_name.hpp"

namespace market::redis {
namespace {

/// What a server says that is no master to work with: another one is looked for.
bool is_no_master(std::string_view error) {
  for (const std::string_view word : {"READONLY", "MASTERDOWN", "LOADING", "NOAUTH", "CLUSTERDOWN"})
    if (error.starts_with(word) || error.find(fmt::format("-{} ", word)) != std::string_view::npos)
      return true;
  return false;
}

std::shared_ptr<asio::ssl::context> expect_tls(const ClientSettings& settings) {
  auto context = tls_context(settings);
  if (!context) throw std::runtime_error(context.error().detail);
  return std::move(*context);
}

Words script_call(std::string_view how, const std::string& what, const Words& keys, const Words& arguments) {
  Words words{std::string(how), what, std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

/// It has forgotten its scripts, or never heard this one: the text makes it known.
bool has_no_such_script(const Result<Reply>& reply) {
  return !reply && reply.error().code == Code::internal && reply.error().detail.starts_with("NOSCRIPT");
}

}  // namespace

Script::Script(std::string text) : text_(std::move(text)) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  check(EVP_Digest(text_.data(), text_.size(), digest, &size, EVP_sha1(), nullptr) == 1, "SHA-1 is there");
  sha1_ = to_hex({reinterpret_cast<const char*>(digest), size});
}

Client::Client(ClientSettings settings) : settings_(std::move(settings)), tls_(expect_tls(settings_)) {}

void Client::start() {
  tasks_.spawn(executor(), run_connections());
  thread_ = std::thread([this] {
    name_thread("redis");
    const auto work = asio::make_work_guard(io_);
    io_.run();
  });
}

void Client::stop() {
  if (stopping_.exchange(true)) return;
  asio::post(io_, [this] {
    pause_.cancel();
    for (const auto& each : open_)
      if (const auto connection = each.lock()) connection->close("the process stops");
  });
  if (!thread_.joinable()) return;
  tasks_.wait(Millis(5'000));
  io_.stop();
  thread_.join();
  connected_.store(false);
  {
    const std::scoped_lock lock(queue_mutex_);
    ended_ = true;
  }
  fail_all("the process stops");
}

std::string Client::state() const {
  const std::scoped_lock lock(state_mutex_);
  return state_;
}

void Client::send(Words command, Done done) {
  Pending pending{{}, std::move(done), std::chrono::steady_clock::now()};
  if (stopping_.load() || !connected()) {
    counters_.away.fetch_add(1, std::memory_order_relaxed);
    return pending.done(fail(Code::unavailable, "Redis is away"));
  }
  append_command(pending.bytes, command);
  const auto bytes = pending.bytes.size();
  const bool full = waiting_.fetch_add(1) >= settings_.queue_max;
  if (full || waiting_bytes_.fetch_add(bytes) + bytes > queue_bytes_max) {
    if (!full) waiting_bytes_.fetch_sub(bytes);
    waiting_.fetch_sub(1);
    counters_.full.fetch_add(1, std::memory_order_relaxed);
    return pending.done(fail(Code::overloaded, "too many commands wait for Redis"));
  }
  std::unique_lock lock(queue_mutex_);
  if (ended_) {
    lock.unlock();
    return answer(pending, fail(Code::unavailable, "the process stops"));
  }
  queue_.push_back(std::move(pending));
  if (!std::exchange(flush_posted_, true)) asio::post(io_, [this] { flush(); });
}

void Client::send(const Script& script, Words keys, Words arguments, Done done) {
  auto command = script_call("EVALSHA", script.sha1(), keys, arguments);
  send(std::move(command), [this, &script, keys = std::move(keys), arguments = std::move(arguments),
                            done = std::move(done)](Result<Reply> reply) mutable {
    if (has_no_such_script(reply))
      return send(script_call("EVAL", script.text(), keys, arguments), std::move(done));
    done(std::move(reply));
  });
}

Task<Reply> Client::call(Words command) {
  auto answer =
      co_await asio::async_initiate<decltype(asio::use_awaitable), void(std::shared_ptr<Result<Reply>>)>(
          [this](auto handler, Words words) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            send(std::move(words), [shared](Result<Reply> reply) {
              auto kept = std::make_shared<Result<Reply>>(std::move(reply));
              auto executor = asio::get_associated_executor(*shared);
              asio::post(executor, [shared, kept]() mutable { std::move (*shared)(std::move(kept)); });
            });
          },
          asio::use_awaitable, std::move(command));
  co_return std::move(*answer);
}

Task<Reply> Client::run(const Script& script, Words keys, Words arguments) {
  auto reply = co_await call(script_call("EVALSHA", script.sha1(), keys, arguments));
  if (!has_no_such_script(reply)) co_return reply;
  auto again = co_await call(script_call("EVAL", script.text(), keys, arguments));
  co_return again;
}

void Client::flush() {
  std::vector<Pending> taken;
  {
    const std::scoped_lock lock(queue_mutex_);
    taken.swap(queue_);
    flush_posted_ = false;
  }
  for (Pending& pending : taken) {
    if (!connection_ || connection_->is_closed()) {
      answer(pending, fail(Code::unavailable, "Redis is away"));
      continue;
    }
    to_write_ += pending.bytes;
    in_flight_.push_back(std::move(pending));
  }
  if (to_write_.empty() || std::exchange(writing_, true)) return;
  tasks_.spawn(executor(), write_all(connection_));
}

asio::awaitable<void> Client::write_all(ConnectionPtr connection) {
  while (!to_write_.empty() && connection == connection_) {
    std::string bytes;
    bytes.swap(to_write_);
    const auto written = co_await connection->write(std::move(bytes));
    if (!written) break;  // The reader sees the same end, and answers all.
  }
  if (connection == connection_) writing_ = false;  // Else another connection has its own writer.
}

void Client::answer(Pending& pending, Result<Reply> reply) {
  waiting_.fetch_sub(1);
  waiting_bytes_.fetch_sub(pending.bytes.size());
  const auto took = std::chrono::steady_clock::now() - pending.sent;
  if (!reply)
    counters_.failed.fetch_add(1, std::memory_order_relaxed);
  else
    counters_.answer_microseconds.fetch_add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()),
        std::memory_order_relaxed);
  if (reply && reply->is_error()) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return pending.done(fail(Code::internal, shown(reply->text())));
  }
  if (reply) counters_.answered.fetch_add(1, std::memory_order_relaxed);
  pending.done(std::move(reply));
}

void Client::fail_all(const std::string& why) {
  std::vector<Pending> queued;
  {
    const std::scoped_lock lock(queue_mutex_);
    queued.swap(queue_);
  }
  std::deque<Pending> flying;
  flying.swap(in_flight_);
  to_write_.clear();
  for (Pending& pending : flying) answer(pending, fail(Code::unavailable, why));
  for (Pending& pending : queued) answer(pending, fail(Code::unavailable, why));
}

/// Reads answers until the connection is over.
asio::awaitable<void> Client::read_answers(ConnectionPtr connection) {
  std::string why = "Redis is away";
  for (;;) {
    auto reply = co_await connection->read();
    if (!reply) {
      why = reply.error().detail;
      break;
    }
    if (in_flight_.empty()) {  // It speaks unasked: answers could no longer be matched.
      why = "it sent what nobody asked for";
      break;
    }
    const bool lost = reply->is_error() && is_no_master(reply->text());
    if (lost) why = shown(reply->text());
    Pending pending = std::move(in_flight_.front());
    in_flight_.pop_front();
    answer(pending, std::move(*reply));
    if (lost) break;
  }
  connected_.store(false, std::memory_order_release);
  connection->close();
  connection_.reset();
  say(fmt::format("{}: {}", text_of(master_), why), false);
  fail_all(why);
}

/// The oldest command decides when the connection is given up; the heartbeat is a command, too.
asio::awaitable<void> Client::watch(ConnectionPtr connection) {
  asio::steady_timer timer(io_);
  auto beat_at = std::chrono::steady_clock::now() + heartbeat;
  auto compare_at = beat_at;
  while (!connection->is_closed()) {
    timer.expires_after(std::clamp(settings_.timeout / 4, Millis(5), Millis(50)));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto now = std::chrono::steady_clock::now();
    if (!in_flight_.empty() && now - in_flight_.front().sent > settings_.timeout)
      connection->close("it did not answer in time");
    if (connection->is_closed()) break;
    if (now >= beat_at && !beating_) {
      beat_at = now + heartbeat;
      beat(connection);
    }
    if (now < compare_at || comparing_ || settings_.sentinel_master.empty()) continue;
    compare_at = now + 2 * heartbeat;
    comparing_ = true;
    tasks_.spawn(executor(), compare_with_sentinels(connection, master_));
  }
}

void Client::beat(const ConnectionPtr& connection) {
  beating_ = true;
  send({"ROLE"}, [this, connection](const Result<Reply>& reply) {
    beating_ = false;
    if (reply && reply->at(0).text() != "master") connection->close("it is no longer the master");
  });
}

}  // namespace market::redis
