#pragma once
/// ports/shared_stock.hpp in Redis. Keys of one log share a hash tag, so that one script reaches all of them:
///
///   market:{LOG}:mark            generation, place: how far it was written
///   market:{LOG}:stock:PRODUCT   generation, place, remaining, capacity, opens, closes
///   market:{LOG}:moved           sorted set, product by place: what moved lately

#include "adapters/redis/client.hpp"
#include "ports/shared_stock.hpp"

namespace market::redis {

class RedisSharedStock final : public SharedStock {
 public:
  static constexpr std::size_t moved_max = 10'000;  ///< Products that the sorted set remembers.
  static constexpr Millis life{3'600'000};          ///< Of what nobody writes any more.

  explicit RedisSharedStock(Client& client) : client_(client) {}
  Task<Written> write(LogId log, Place end, std::vector<StockLine> lines) override;
  Task<std::vector<StockLine>> moved_since(LogId log, Place after) override;

  /// `market:{…}:` of this log.
  static std::string prefix(LogId log);

 private:
  Client& client_;
};

}  // namespace market::redis
