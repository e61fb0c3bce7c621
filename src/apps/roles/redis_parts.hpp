#pragma once
/// Redis, where it is named: what several instances show and count together. Everything works without it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/client.hpp"
#include "adapters/redis/shared_limits.hpp"
#include "adapters/redis/shared_stock.hpp"
#include "apps/roles/sale_core.hpp"
#include "apps/settings/settings.hpp"
#include "sale/stock_publisher.hpp"
#include "sale/stock_reader.hpp"
#include "services/platform/metrics_text.hpp"

namespace market::apps {

struct RedisParts {
  RedisParts(redis::ClientSettings settings, const std::string& secret)
      : client(std::move(settings)), stock(client), limits(client, secret) {}
  /// Whoever writes the log says what is left, and whoever hears nothing of the log shows it. Before the gate
  /// is started; `core` outlives the sharing.
  void share_stock(SaleCore& core);
  void start_sharing();
  void stop_sharing();
  void add_metrics(platform::MetricsText& text) const;
  /// While it is away: what does not hold then.
  std::vector<std::string> warnings() const;

  redis::Client client;
  redis::RedisSharedStock stock;
  redis::RedisSharedLimits limits;
  std::unique_ptr<sale::StockPublisher> publisher;  ///< Null: nothing is followed here.
  std::unique_ptr<sale::StockReader> reader;        ///< Null: nobody else writes what is followed here.
};

/// As redis.* say; none: no server is named. Throws UsageError.
std::optional<redis::ClientSettings> redis_settings(const Settings& settings);
/// Connecting already. Null: no server is named. Throws UsageError.
std::unique_ptr<RedisParts> redis_of(const Settings& settings);

}  // namespace market::apps
