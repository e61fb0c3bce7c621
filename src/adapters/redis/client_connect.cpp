// How the client finds the master, and finds it again.
#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>

#include "adapters/redis/client.hpp"
#include "base/random.hpp"

namespace market::redis {

void Client::say(std::string state, bool up) {
  {
    const std::scoped_lock lock(state_mutex_);
    if (state == state_) return;  // The same reason again: said once.
    state_ = state;
  }
  if (stopping_.load()) return;
  if (up && settings_.inform) settings_.inform("Redis: connected to " + state);
  if (!up && settings_.warn)
    settings_.warn("Redis is away: " + state +
                   "; selling goes on, live numbers come from the log, limits hold for each instance alone");
}

asio::awaitable<void> Client::rest(Millis longest) {
  pause_.expires_after(longest);
  boost::system::error_code ignored;
  co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> Client::run_connections() {
  Millis backoff = backoff_first;
  while (!stopping_.load()) {
    auto connection = co_await reach_master();
    if (connection && !stopping_.load()) {
      backoff = backoff_first;
      connection_ = connection;
      writing_ = false;
      to_write_.clear();
      counters_.connections.fetch_add(1, std::memory_order_acq_rel);
      connected_.store(true, std::memory_order_release);
      say(text_of(master_), true);
      tasks_.spawn(executor(), watch(connection));
      co_await read_answers(connection);
    }
    if (stopping_.load()) break;
    // Not all instances at once.
    const auto jitter = random_number() % static_cast<std::uint64_t>(backoff.count());
    co_await rest(backoff / 2 + Millis(static_cast<Millis::rep>(jitter)) / 2);
    backoff = std::min(2 * backoff, backoff_max);
  }
}

asio::awaitable<ConnectionPtr> Client::reach_master() {
  std::vector<Address> candidates = settings_.servers;
  if (!settings_.sentinel_master.empty()) {
    const auto master = co_await ask_sentinels();
    if (!master) {
      say(master.error().detail, false);
      co_return nullptr;
    }
    candidates.assign(1, *master);
  }
  std::string why;
  for (const Address& candidate : candidates) {
    const auto reached = co_await reach(candidate, false);
    if (reached) {
      master_ = candidate;
      co_return *reached;
    }
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", text_of(candidate), reached.error().detail);
    if (stopping_.load()) break;
  }
  say(std::move(why), false);
  co_return nullptr;
}

Task<ConnectionPtr> Client::reach(Address address, bool sentinel) {
  auto connection = std::make_shared<Connection>(executor(), tls_);
  std::erase_if(open_, [](const auto& each) { return each.expired(); });
  open_.push_back(connection);  // So that stop() ends it.
  const auto connected = co_await connection->connect(std::move(address), connect_time_max);
  if (!connected) co_return fail(connected.error());
  if (sentinel && settings_.sentinel_password.empty()) co_return connection;
  if (sentinel) {
    Words password{"AUTH", settings_.sentinel_password};
    const auto let_in = co_await connection->ask(std::move(password), connect_time_max);
    if (!let_in) co_return fail(let_in.error());
    if (let_in->is_error()) co_return fail(Code::forbidden, shown(let_in->text()));
    co_return connection;
  }
  const auto greeted = co_await greet(connection);
  if (!greeted) connection->close();
  if (!greeted) co_return fail(greeted.error());
  co_return connection;
}

/// Password, database, role.
Task<> Client::greet(ConnectionPtr connection) {
  std::vector<Words> greetings;
  if (!settings_.user.empty())
    greetings.push_back({"AUTH", settings_.user, settings_.password});
  else if (!settings_.password.empty())
    greetings.push_back({"AUTH", settings_.password});
  if (settings_.database != 0) greetings.push_back({"SELECT", std::to_string(settings_.database)});
  for (Words& greeting : greetings) {
    const auto reply = co_await connection->ask(std::move(greeting), connect_time_max);
    if (!reply) co_return fail(reply.error());
    if (reply->is_error()) co_return fail(Code::forbidden, shown(reply->text()));
  }
  Words question{"ROLE"};
  const auto role = co_await connection->ask(std::move(question), connect_time_max);
  if (!role) co_return fail(role.error());
  if (role->is_error()) co_return fail(Code::forbidden, shown(role->text()));
  if (role->at(0).text() != "master")
    co_return fail(Code::conflict, fmt::format("it is no master but a {}", shown(role->at(0).text())));
  co_return Result<>();
}

Task<Address> Client::ask_sentinels() {
  std::string why;
  for (const Address& sentinel : settings_.servers) {
    auto master = co_await ask_sentinel(sentinel);
    if (master) co_return master;
    why +=
        fmt::format("{}Sentinel {}: {}", why.empty() ? "" : "; ", text_of(sentinel), master.error().detail);
    if (stopping_.load()) break;
  }
  co_return fail(Code::unavailable, std::move(why));
}

Task<Address> Client::ask_sentinel(Address sentinel) {
  const auto reached = co_await reach(std::move(sentinel), true);
  if (!reached) co_return fail(reached.error());
  Words question{"SENTINEL", "get-master-addr-by-name", settings_.sentinel_master};
  const auto reply = co_await (*reached)->ask(std::move(question), connect_time_max);
  (*reached)->close();
  if (!reply) co_return fail(reply.error());
  if (reply->is_error()) co_return fail(Code::forbidden, shown(reply->text()));
  const auto port = reply->at(1).number();
  const std::string host(reply->at(0).text());
  if (host.empty() || !port || *port < 1 || *port > 65'535)
    co_return fail(Code::not_found, "it knows no master of that name");
  co_return Address{host, static_cast<std::uint16_t>(*port)};
}

/// A master that was cut off and replaced does not know it.
asio::awaitable<void> Client::compare_with_sentinels(ConnectionPtr connection, Address master) {
  const auto named = co_await ask_sentinels();
  comparing_ = false;
  if (named && *named != master) connection->close("Sentinel names another master");
}

}  // namespace market::redis
