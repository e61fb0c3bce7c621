#include "apps/roles/redis_parts.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/roles/serve_parts.hpp"

namespace market::apps {
namespace {

constexpr std::size_t secret_bytes_min = 16;
constexpr Millis silence{1'000};  ///< Of the log: an idle writer is heard more than twice in this time.

}  // namespace

std::optional<redis::ClientSettings> redis_settings(const Settings& settings) {
  redis::ClientSettings redis;
  for (const auto& text : comma_separated(settings.text("redis.servers"))) {
    auto address = parse_address("redis.servers", text);
    redis.servers.push_back({std::move(address.host), address.port});
  }
  if (redis.servers.empty()) {
    for (const KnownSetting& known : known_settings())
      if (known.key.starts_with("redis.") && settings.is_given(known.key) &&
          !settings.text(known.key).empty())
        throw UsageError(fmt::format("{}: needs redis.servers", known.key));
    return std::nullopt;
  }
  redis.sentinel_master = settings.text("redis.sentinel_master");
  redis.sentinel_password = settings.text("redis.sentinel_password");
  redis.user = settings.text("redis.user");
  redis.password = settings.text("redis.password");
  redis.database = static_cast<int>(settings.number("redis.database"));
  redis.tls = settings.flag("redis.tls");
  redis.tls_ca = settings.text("redis.tls_ca");
  redis.tls_certificate = settings.text("redis.tls_certificate");
  redis.tls_key = settings.text("redis.tls_key");
  redis.timeout = settings.duration("redis.timeout");
  redis.queue_max = static_cast<std::size_t>(settings.number("redis.queue_max"));
  redis.warn = [](const std::string& line) { spdlog::warn("{}", line); };
  redis.inform = [](const std::string& line) { spdlog::info("{}", line); };
  if (const auto trouble = redis::trouble_with(redis); !trouble.empty()) throw UsageError(trouble);
  if (settings.text("redis.secret").size() < secret_bytes_min)
    throw UsageError(
        fmt::format("redis.secret: needs {} characters or more, the same at every instance: limits are kept "
                    "under names that are made with it",
                    secret_bytes_min));
  return redis;
}

std::unique_ptr<RedisParts> redis_of(const Settings& settings) {
  auto redis = redis_settings(settings);
  if (!redis) return nullptr;
  auto parts = std::make_unique<RedisParts>(std::move(*redis), settings.text("redis.secret"));
  parts->client.start();
  return parts;
}

void RedisParts::share_stock(SaleCore& core) {
  const auto log = [&core] { return core.gate.log(); };
  const auto place = [&core] { return core.gate.place(); };
  const auto connection = [this]() -> std::optional<std::uint64_t> {
    if (!client.connected()) return std::nullopt;
    return client.connection_number();
  };
  publisher = std::make_unique<sale::StockPublisher>(
      sale::PublisherParts{stock, core.products, log, place, [&core] { return core.gate.writes(); },
                           connection, [](const std::string& line) { spdlog::warn("{}", line); }});
  core.gate.add_follower(*publisher);
  if (!core.shared_log) return;
  const auto silent = [&core] { return !core.gate.writes() && core.gate.silent_for() > silence; };
  const auto show = [&core](std::vector<StockLine> lines) { core.gate.show_ahead(std::move(lines)); };
  reader = std::make_unique<sale::StockReader>(
      sale::StockReaderParts{stock, log, place, silent, connection, show});
}

void RedisParts::start_sharing() {
  if (publisher) publisher->start(client.executor());
  if (reader) reader->start(client.executor());
}

void RedisParts::stop_sharing() {
  if (publisher) publisher->stop();
  if (reader) reader->stop();
}

std::vector<std::string> RedisParts::warnings() const {
  if (client.connected()) return {};
  return {"Redis is away: limits hold for each instance alone"};
}

void RedisParts::add_metrics(platform::MetricsText& text) const {
  const auto& counts = client.counters();
  text.family("market_redis_connected", "gauge", "1 while there is a connection to Redis' master.")
      .sample(static_cast<std::uint64_t>(client.connected()));
  text.family("market_redis_connections_total", "counter", "Connections that were made.")
      .sample(counts.connections.load());
  text.family("market_redis_calls_total", "counter", "Commands, by what became of them.")
      .sample(counts.answered.load(), platform::label("outcome", "answered"))
      .sample(counts.refused.load(), platform::label("outcome", "refused"))
      .sample(counts.failed.load(), platform::label("outcome", "failed"))
      .sample(counts.away.load(), platform::label("outcome", "away"))
      .sample(counts.full.load(), platform::label("outcome", "queue_full"));
  text.family("market_redis_answer_microseconds_total", "counter", "Waited for answers, in all.")
      .sample(counts.answer_microseconds.load());
  text.family("market_redis_waiting", "gauge", "Commands that wait for an answer.")
      .sample(static_cast<std::uint64_t>(client.waiting()));
  if (!publisher) return;
  text.family("market_stock_lines_total", "counter", "Lines of the live stock in Redis.")
      .sample(publisher->lines_written(), platform::label("outcome", "written"))
      .sample(publisher->lines_newer(), platform::label("outcome", "newer_there"));
}

}  // namespace market::apps
